using System.CommandLine;
using Beear.Cli;

namespace Beear.Tests.Cli;

/// <summary>One run of the program inside the test's process.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CliRun(int Code, string Output, string Error)
{
    /// <summary>Runs the program as it is.</summary>
    public static CliRun Of(params string[] args) => Of(args, null, "", CancellationToken.None);

    /// <summary>Runs the program with what a test needs changed.</summary>
    public static CliRun Of(string[] args, Func<CommandSession, Command>? command, string input = "", CancellationToken cancellation = default)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var session = new CommandSession(new StringReader(input), output, error, cancellation) { ThrowsUnexpected = true };
        var code = command is null ? Program.Run(args, session) : Program.Run(args, session, [command(session)]);
        return new CliRun(code, output.ToString(), error.ToString());
    }
}
