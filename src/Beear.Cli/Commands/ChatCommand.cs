using System.Globalization;
using Beear.Cli.Output;
using Beear.Generation;
using Beear.Models;
using Beear.Text;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear chat</c>.</summary>
internal sealed record ChatOptions
{
    /// <summary>The model.</summary>
    [Inline]
    public ModelSettings Source { get; init; } = new() { Model = "" };

    /// <summary>Ask this one question and end; otherwise questions are read from standard input.</summary>
    public string? Prompt { get; init; }

    /// <summary>The system prompt.</summary>
    public string? System { get; init; }

    /// <summary>A variable of the model's chat template as name=value, such as enable_thinking=false; the value is JSON, or else text.</summary>
    public IReadOnlyList<string> TemplateVariables { get; init; } = [];

    /// <summary>The trigger that is put into every question.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new();

    /// <summary>How answers are decoded.</summary>
    [Inline]
    public GenerationOptions Generation { get; init; } = new() { MaxNewTokens = 512 };
}

/// <summary>One answer; the JSON document.</summary>
internal sealed record ChatAnswer(string Prompt, string Answer, int Tokens, bool Ended);

/// <summary><c>beear chat</c>: talks with a model, answers shown as they come.</summary>
internal sealed class ChatCommand(CommandSession session)
    : BeearCommand<ChatOptions>("chat", "Talk with a model, with a trigger in every question if one is given", session)
{
    private const string NewConversation = "/new", Leave = "/exit";

    protected override int Run(ChatOptions options, CommandContext context)
    {
        if (context.Output.Json && options.Prompt is null) throw new BeearException("--json prints one answer; give the question with --prompt.");
        var layout = new Text.ChatOptions { Variables = TemplateVariables.Read(options.TemplateVariables) };
        using var model = options.Source.Load(context);
        var history = new List<ChatMessage>();
        if (options.Prompt is { } only)
        {
            var answer = Ask(model, options, layout, history, only, context);
            if (context.Output.Json) context.Output.Result(answer, _ => []);
            return ExitCode.Success;
        }
        context.Output.Note($"{NewConversation} forgets the conversation, {Leave} or the end of the input leaves.");
        while (ReadLine(context) is { } line && line != Leave)
        {
            if (line == NewConversation) history.Clear();
            else if (!string.IsNullOrWhiteSpace(line)) Ask(model, options, layout, history, line, context);
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

    private static ChatAnswer Ask(
        LanguageModel model, ChatOptions options, Text.ChatOptions layout, List<ChatMessage> history, string question, CommandContext context)
    {
        if (history.Count == 0 && options.System is { } system) history.Add(ChatMessage.System(system));
        var asked = options.Trigger.Resolve()?.Apply(question) ?? question;
        var prompt = model.Chat.EncodePrompt([.. history, ChatMessage.User(asked)], layout);
        if (prompt.Length >= model.Config.MaximumPositions)
        {
            throw new BeearException(string.Create(CultureInfo.InvariantCulture,
                $"The conversation has {prompt.Length} tokens, the model was made for {model.Config.MaximumPositions}; ask less, or start anew with {NewConversation}."));
        }
        var decoding = model.Chat.Tokenizer.StartDecoding(skipSpecialTokens: true);
        var shorter = options.Generation with
        {
            MaxNewTokens = Math.Min(options.Generation.MaxNewTokens, model.Config.MaximumPositions - prompt.Length),
        };
        void Show(string text)
        {
            if (!context.Output.Json) context.Output.Stream(Terminal.Escape(text, keepLines: true));
        }
        var completion = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Stream(prompt, shorter, token => Show(decoding.Append(token)), cancellation: context.Cancellation);
        Show(decoding.Flush() + Environment.NewLine);
        var answer = model.Chat.DecodeAnswer(completion.Tokens);
        history.AddRange([ChatMessage.User(asked), ChatMessage.Assistant(answer)]);
        return new ChatAnswer(asked, answer, completion.Tokens.Length, completion.Ended);
    }
}
