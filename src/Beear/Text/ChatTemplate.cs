using System.Text;
using Beear.Text.Templates;

namespace Beear.Text;

/// <summary>
/// A model's chat template: the Jinja program that lays out a conversation as the text the model was trained on.
/// It reads the part of Jinja that chat templates use, with transformers' settings (trim_blocks and lstrip_blocks).
/// Instances are immutable and can be used by several threads. Templates are data from strangers: time, memory and depth are bounded.
/// </summary>
public sealed class ChatTemplate
{
    private const int LongestSource = 1_000_000;
    private readonly Body _body;

    /// <summary>Parses a template.</summary>
    /// <param name="source">The Jinja source, at most a million characters.</param>
    /// <exception cref="BeearException">The source is too long, is not well-formed, or uses something that is not supported.</exception>
    public ChatTemplate(string source)
    {
        if (source.Length > LongestSource)
            throw new BeearException($"The chat template has {source.Length} characters, but at most {LongestSource} are read.");
        try
        {
            _body = TemplateParser.Parse(source);
        }
        catch (TemplateException failure)
        {
            throw new BeearException($"The chat template cannot be read (line {failure.Line}): {failure.Message}.", failure);
        }
    }

    /// <summary>Lays out a conversation.</summary>
    /// <param name="messages">The turns, oldest first.</param>
    /// <param name="addGenerationPrompt">True to end where the assistant's next answer begins.</param>
    /// <param name="variables">
    /// More variables, such as <c>bos_token</c>, <c>eos_token</c>, <c>enable_thinking</c> or <c>tools</c>: null, booleans, numbers, strings,
    /// sequences, dictionaries with string keys, or JSON.
    /// </param>
    /// <exception cref="BeearException">The template refuses the messages, fails, or needs too much time or memory.</exception>
    public string Render(
        IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null)
    {
        var context = new Dictionary<string, object?>(StringComparer.Ordinal) { ["tools"] = null, ["documents"] = null };
        foreach (var (name, value) in variables ?? new Dictionary<string, object?>(StringComparer.Ordinal)) context[name] = value;
        context["messages"] = messages;
        context["add_generation_prompt"] = addGenerationPrompt;
        return Render(context);
    }

    /// <summary>Renders with any variables, among which the template looks for <c>messages</c>.</summary>
    internal string Render(IReadOnlyDictionary<string, object?> context)
    {
        var state = new RenderState();
        var output = new StringBuilder();
        try
        {
            var globals = new Scope(null, state);
            Globals.Define(globals);
            var scope = globals.Inner();
            foreach (var (name, value) in context) scope.Set(name, TemplateValues.From(value));
            _body.Execute(scope, output);
            return output.ToString();
        }
        catch (TemplateException failure) when (failure.IsRefusal)
        {
            throw new BeearException($"The chat template refuses the conversation: {failure.Message}", failure);
        }
        catch (TemplateException failure)
        {
            throw new BeearException($"The chat template fails in line {state.Line}: {failure.Message}.", failure);
        }
    }
}
