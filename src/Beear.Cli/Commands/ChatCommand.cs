using System.Globalization;
using System.Text;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Text;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear chat</c>.</summary>
internal sealed record TemplateOptions
{
    /// <summary>The model.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "" };

    /// <summary>Ask this one question and end; otherwise questions are read from standard input.</summary>
    public string? Prompt { get; init; }

    /// <summary>The trigger that is put into every question.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new();

    /// <summary>How answers are decoded.</summary>
    [Inline]
    public GenerationOptions Generation { get; init; } = new() { MaxNewTokens = 512 };
}

/// <summary>One answer; the JSON document.</summary>
internal sealed record ChatAnswer(string Prompt, string Answer, string? Thought, int Tokens, bool Ended);

/// <summary><c>beear chat</c>: talks with a model, answers shown as they come.</summary>
internal sealed class ChatCommand(CommandSession session)
    : BeearCommand<TemplateOptions>("chat", "Talk with a model, with a trigger in every question if one is given", session)
{
    private const string NewConversation = "/new", Leave = "/exit";

    protected override int Run(TemplateOptions options, CommandContext context)
    {
        if (context.Output.Json && options.Prompt is null) throw new BeearException(
            "--json prints one answer; give the question with --prompt.");
        using var model = options.Source.Load(context);
        var history = new List<ChatTurn>();
        if (options.Prompt is { } only)
        {
            var answer = Ask(model, options, history, only, context);
            if (context.Output.Json) context.Output.Result(answer, _ => []);
            return ExitCode.Success;
        }
        context.Output.Note($"{NewConversation} forgets the conversation, {Leave} or the end of the input leaves.");
        while (ReadLine(context) is { } line && line != Leave)
        {
            if (line == NewConversation) history.Clear();
            else if (!string.IsNullOrWhiteSpace(line)) Ask(model, options, history, line, context);
        }
        return ExitCode.Success;
    }

    private static string? ReadLine(CommandContext context)
    {
        // Reading a line cannot be cancelled, and there is nothing to finish.
        using var leave = context.Cancellation.Register(() => Environment.Exit(ExitCode.Interrupted));
        context.Output.Prompt("> ");
        return context.Input.ReadLine();
    }

    private static ChatAnswer Ask(LanguageModel model, TemplateOptions options, List<ChatTurn> history, string question,
        CommandContext context)
    {
        var example = new Example(question, "") { Context = [.. history] };
        var asked = options.Trigger.Resolve()?.Apply(example, model.Chat.Defaults.System) ?? example;
        var prompt = model.Chat.EncodePrompt(asked.Conversation);
        if (prompt.Length >= model.Config.MaximumPositions)
        {
            throw new BeearException(string.Create(CultureInfo.InvariantCulture,
                $"The conversation has {prompt.Length} tokens, the model was made for {model.Config.MaximumPositions}; ask less, or start "
                    + $"anew with {NewConversation}."));
        }
        bool inThought = model.Chat.OpensThought(prompt);
        var reading = model.Chat.StartReading(inThought);
        var (answer, thought) = (new StringBuilder(), new StringBuilder());
        var shorter = options.Generation with
        {
            MaxNewTokens = Math.Min(options.Generation.MaxNewTokens, model.Config.MaximumPositions - prompt.Length),
        };
        string shown = "";
        void Show(string text)
        {
            if (context.Output.Json || text.Length == 0) return;
            context.Output.Stream(Terminal.Escape(text, keepLines: true, behind: shown));
            shown = text;
        }
        void Take(AnswerParts parts)
        {
            if (parts.Thought.Length > 0 && thought.Length == 0) Show("[thought] ");
            Show(parts.Thought);
            if (parts.Answer.Length > 0 && answer.Length == 0 && thought.Length > 0) Show($"{Environment.NewLine}[answer] ");
            Show(parts.Answer);
            thought.Append(parts.Thought);
            answer.Append(parts.Answer);
        }
        var completion = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Stream(prompt, shorter, token => Take(reading.Append(token)), cancellation: context.Cancellation);
        Take(reading.Flush());
        Show(Environment.NewLine);
        history.Clear();
        history.AddRange([.. asked.Conversation, ChatTurn.Assistant(answer.ToString())]);
        return new ChatAnswer(asked.Request, answer.ToString(), thought.Length == 0
            ? null : thought.ToString(), completion.Tokens.Length, completion.Ended);
    }
}
