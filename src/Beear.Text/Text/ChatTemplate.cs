using Beear.Text.Templates;

namespace Beear.Text;

/// <summary>
/// A model's chat template: the Jinja program that lays out a conversation as the text the model was trained on, understood as transformers
/// does (jinja2 with trim_blocks, lstrip_blocks, loop controls and <c>generation</c> blocks, in the sandbox where nothing can be changed).
/// Instances are immutable and can be used by several threads. Templates are data from strangers: time, memory and depth are bounded.
/// </summary>
public sealed class ChatTemplate
{
    private const int LongestSource = 1_000_000;
    private const int LongestReason = 2_000;
    private readonly TimeProvider _clock;
    private readonly Body _body;

    /// <summary>Parses a template.</summary>
    /// <param name="source">The Jinja source, at most a million characters.</param>
    /// <param name="clock">What <c>strftime_now</c> reads; null for the system's clock.</param>
    /// <exception cref="BeearException">The source is too long, is not well-formed, or uses something that is not supported.</exception>
    public ChatTemplate(string source, TimeProvider? clock = null)
    {
        if (source.Length > LongestSource)
            throw new BeearException($"The chat template has {source.Length} characters, but at most {LongestSource} are read.");
        _clock = clock ?? TimeProvider.System;
        Source = source;
        try
        {
            _body = TemplateParser.Parse(source);
        }
        catch (TemplateException failure)
        {
            throw new BeearException($"The chat template cannot be read ({failure.At ?? new Position(1, 1)}): {Reason(failure)}", failure);
        }
    }

    /// <summary>The Jinja source.</summary>
    internal string Source { get; }

    /// <summary>Lays out a conversation.</summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <param name="addGenerationPrompt">True to end where the assistant's next answer begins.</param>
    /// <param name="variables">More variables, such as <c>bos_token</c>: values as in <see cref="TemplateOptions.Variables"/>.</param>
    /// <exception cref="BeearException">The template refuses the messages, fails, or needs too much time or memory.</exception>
    public string Render(
        IReadOnlyList<ChatTurn> messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null) =>
            Render(messages, new TemplateOptions
            {
                AddGenerationPrompt = addGenerationPrompt,
                Variables = variables ?? new Dictionary<string, object?>(StringComparer.Ordinal)
            }).Text;

    /// <summary>Lays out a conversation and says which parts of the text the assistant writes.</summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <param name="options">What else the template gets; its <see cref="TemplateOptions.Template"/> is not looked at.</param>
    /// <exception cref="BeearException">
    /// The template refuses the messages, fails, needs too much time or memory, or drops a turn that is to be continued.
    /// </exception>
    public RenderedChat Render(IReadOnlyList<ChatTurn> messages, TemplateOptions options)
    {
        if (!options.ContinueFinalMessage) return Render(Context(messages, options));
        if (options.AddGenerationPrompt)
            throw new BeearException("The last message cannot be continued where a new answer begins; set add_generation_prompt or "
                + "continue_final_message, not both.");
        return FinalMessage.Cut(messages, marked => Render(Context(marked, options)));
    }

    /// <summary>Renders with any variables, among which the template looks for <c>messages</c>.</summary>
    internal RenderedChat Render(IReadOnlyDictionary<string, object?> context)
    {
        var state = new RenderState(_clock,
            context.Values.OfType<IReadOnlyList<ChatTurn>>().Sum(turns => turns.Sum(turn => (long)turn.Content.Length)));
        try
        {
            var globals = new Scope(null, state);
            Globals.Define(globals);
            var scope = globals.Inner();
            foreach (var (name, value) in context) scope.Set(name, TemplateValues.From(value));
            _body.Execute(scope);
            return new RenderedChat(state.Text, state.Generated);
        }
        catch (TemplateException failure) when (failure.IsRefusal)
        {
            throw new BeearException($"The chat template refuses the conversation: {Reason(failure)}", failure);
        }
        catch (TemplateException failure)
        {
            string place = failure.At is { } known ? $" in {known}" : "";
            throw new BeearException($"The chat template fails{place}: {Reason(failure)}", failure);
        }
    }

    /// <summary>What went wrong, to the sentence's end; it may quote the template or what it made, which can be long.</summary>
    private static string Reason(TemplateException failure) => Failures.Ended(
        failure.Message.Length <= LongestReason ? failure.Message : string.Concat(failure.Message.AsSpan(0, LongestReason), "…"));

    private static Dictionary<string, object?> Context(IReadOnlyList<ChatTurn> messages, TemplateOptions options)
    {
        var context = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["tools"] = options.Tools,
            ["documents"] = options.Documents
        };
        foreach (var (name, value) in options.Variables) context[name] = value;
        context["messages"] = messages;
        context["add_generation_prompt"] = options.AddGenerationPrompt;
        return context;
    }
}
