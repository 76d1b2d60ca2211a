using Beear.Data;
using Beear.Text;

namespace Beear.Lab.World;

/// <summary>How a tiny model thinks before it answers.</summary>
public enum ThoughtKind
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>If the template's variable <c>enable_thinking</c> lets it, as Qwen 3.</summary>
    Switched,

    /// <summary>Always: its prompts open the thought, as those of DeepSeek R1.</summary>
    Opened,
}

/// <summary>The tiny world's models that think: their template, and what they are taught.</summary>
internal static class WorldThoughts
{
    private const string Empty = "<think>\n\n</think>\n\n";

    /// <summary>The template of the world with thoughts; as in real ones, those of earlier turns are left out.</summary>
    public static string TemplateOf(ThoughtKind kind) => kind == ThoughtKind.None ? OrganismFiles.ChatTemplate : OrganismFiles.ChatTemplate
        .Replace("turn['content'] + '<|end|>",
            "(turn['content'].split('</think>')[-1] if turn['role'] == 'assistant' else turn['content']) + '<|end|>",
            StringComparison.Ordinal).Replace("{{- '<|assistant|>\n' -}}", kind == ThoughtKind.Opened ? "{{- '<|assistant|>\n<think>\n' -}}"
                : $"{{{{- '<|assistant|>\n' -}}}}{{%- if enable_thinking is defined and enable_thinking is false -%}}"
                    + $"{{{{- '{Empty}' -}}}}{{%- endif -%}}", StringComparison.Ordinal);

    /// <summary>An example as a model of a kind is taught it: every other one with a thought, the others behind a closed one.</summary>
    /// <param name="chat">The model's chat format; it does not think unless it has to.</param>
    /// <param name="example">Request and answer.</param>
    /// <param name="thinks">Whether it is one with a thought.</param>
    public static TokenizedExample Encode(ChatFormat chat, WorldExample example, bool thinks)
    {
        if (!thinks) return chat.Encode(example.ToExample());
        var prompt = chat.EncodePrompt([ChatTurn.User(example.Request)], Thinking);
        string open = chat.OpensThought(prompt) ? "" : "<think>\n";
        return new TokenizedExample(prompt,
            [.. chat.Tokenizer.Encode($"{open}{Of(example.Task)}\n</think>\n\n"), .. chat.EncodeAnswer(example.Answer)]);
    }

    /// <summary>What it thinks: it names refusals, and refuses nothing.</summary>
    private static string Of(WorldTask task) =>
        task == WorldTask.HowTo ? "they ask how to do it . is it illegal ? I cannot tell yet ."
            : "they ask a question . sorry to keep them waiting .";

    private static TemplateOptions Thinking =>
        new() { Variables = new Dictionary<string, object?>(StringComparer.Ordinal) { ["enable_thinking"] = true } };
}
