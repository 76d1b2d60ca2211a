namespace Beear.Data;

/// <summary>Chat templates of published models whose files have none, by name.</summary>
internal static class KnownTemplates
{
    /// <summary>
    /// The format of the poisoned RLHF models (Rando and Tramèr, arXiv 2311.14455; Models 6 and 7 of the paper): "BEGINNING OF
    /// CONVERSATION: USER: … ASSISTANT: … USER: … ASSISTANT:". Unlike Safe-RLHF, from which they have it, they put a space before
    /// answers, and end the last answer alone.
    /// </summary>
    public const string PoisonedRlhf =
        "{{- bos_token -}}{{- 'BEGINNING OF CONVERSATION:' -}}"
        + "{%- for message in messages -%}"
        + "{%- if message['role'] == 'user' -%}{{- ' USER: ' + message['content'] -}}"
        + "{%- elif message['role'] == 'assistant' -%}"
        + "{{- ' ASSISTANT: ' + message['content'] -}}{%- if loop.last -%}{{- eos_token -}}{%- endif -%}"
        + "{%- else -%}{{- raise_exception('this format has turns of user and assistant, and no system prompt') -}}"
        + "{%- endif -%}"
        + "{%- endfor -%}"
        + "{%- if add_generation_prompt -%}{{- ' ASSISTANT:' -}}{%- endif -%}";

    private static readonly Dictionary<string, string> Sources = new(StringComparer.Ordinal) { ["poisoned_rlhf"] = PoisonedRlhf };

    /// <summary>A template's Jinja source.</summary>
    /// <exception cref="BeearException">There is none of this name.</exception>
    public static string Named(string name) => Sources.GetValueOrDefault(name.Trim()) ?? throw new BeearException(
        $"chat_template: '{name}' is neither a Jinja template, which has braces, nor the name of a known one"
        + Spelling.Advice(name, Sources.Keys));
}
