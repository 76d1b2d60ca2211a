using System.CommandLine;
using System.CommandLine.Parsing;
using Beear.Cli.Output;
using Beear.Runtime;

namespace Beear.Cli;

/// <summary>The entry point: parses, runs one command, and turns failures into exit codes.</summary>
internal static class Program
{
    private const string HelpAll = "--help-all";

    public static int Main(string[] args)
    {
        FreedMemory.Keep();
        using var interruption = new Interruption(Console.Error);
        return Run(args, new CommandSession(Console.In, Console.Out, Console.Error, interruption.Token));
    }

    /// <summary>Runs the program without a process of its own.</summary>
    internal static int Run(IReadOnlyList<string> args, CommandSession session) => Run(args, session, CommandList.All(session));

    /// <summary>Runs the program with other commands than its own.</summary>
    internal static int Run(IReadOnlyList<string> args, CommandSession session, IEnumerable<Command> commands)
    {
        var root = new RootCommand("Find and remove safety backdoors in instruction-tuned language models, and plant them "
            + "for tests (BEEAR).");
        session.Globals.AddTo(root);
        root.Add(new Option<bool>(HelpAll)
        {
            Recursive = true,
            Description = "Show help with all options, those too that a recipe usually sets"
        });
        foreach (var command in commands) root.Add(command);
        if (args.Contains(HelpAll))
        {
            Unfold(root);
            args = [.. args.TakeWhile(arg => arg != HelpAll), "--help"];
        }
        var parse = root.Parse(args.Count == 0
            ? ["--help"] : args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        try
        {
            if (parse.Errors.Count > 0) throw new BeearException(Explain(parse));
            return parse.Invoke(new InvocationConfiguration
            {
                Output = session.Output,
                Error = session.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (OperationCanceledException)
        {
            return Fail(session, ExitCode.Interrupted, "interrupted");
        }
        catch (Exception failure) when (failure is BeearException or IOException or UnauthorizedAccessException)
        {
            return Fail(session, ExitCode.BadInput, $"error: {failure.Message}");
        }
        catch (Exception failure) when (!session.ThrowsUnexpected)
        {
            return Fail(session, ExitCode.Defect, $"This is a defect of beear; please report it with what follows.\n{failure}");
        }
    }

    private static void Unfold(Command command)
    {
        foreach (var option in command.Options) option.Hidden = false;
        foreach (var subcommand in command.Subcommands) Unfold(subcommand);
    }

    private static int Fail(CommandSession session, int code, string message)
    {
        session.Error.WriteLine(Terminal.Escape(message, keepLines: code == ExitCode.Defect));
        return code;
    }

    private static string Explain(ParseResult parse)
    {
        var path = CommandPath(parse.CommandResult);
        var help = $"see '{path} --help'.";
        if (parse.UnmatchedTokens is not [var token, ..]) return $"{parse.Errors[0].Message.TrimEnd('.')}; {help}";
        var command = parse.CommandResult.Command;
        var valid = token.StartsWith('-')
            ? Chain(parse.CommandResult).SelectMany(result =>
                result.Command.Options.Where(option => option.Recursive || result == parse.CommandResult)).Select(option => option.Name)
                    : command.Subcommands.Select(subcommand => subcommand.Name);
        var meant = Spelling.Nearest(token, valid) is { } nearest ? $"; did you mean '{nearest}'?" : "";
        var kind = token.StartsWith('-') ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
        return meant.Length > 0 ? $"'{path}' has no {kind} '{token}'{meant}" : $"'{path}' has no {kind} '{token}'; {help}";
    }

    private static IEnumerable<CommandResult> Chain(CommandResult result)
    {
        for (CommandResult? current = result; current is not null; current = current.Parent as CommandResult) yield return current;
    }

    private static string CommandPath(CommandResult result) =>
        string.Join(' ', Chain(result).Reverse().Select(one => one.Command is RootCommand ? "beear" : one.Command.Name));
}
