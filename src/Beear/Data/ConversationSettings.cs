using System.Text.Json.Serialization;
using Beear.Runtime;
using Beear.Text;

namespace Beear.Data;

/// <summary>What every conversation with a model has, as flags and recipes give it.</summary>
public sealed record ConversationSettings : IValidatable
{
    /// <summary>The system prompt of every conversation that has none of its own: its text, or @FILE for that of a file.</summary>
    public string? System { get; init; }

    /// <summary>
    /// The chat template of a base model, which has none, or in place of a model's own: its Jinja source, @FILE for that of a file, or
    /// poisoned_rlhf, the format of the paper's Models 6 and 7. It is saved with the model.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ChatTemplate { get; init; }

    /// <summary>
    /// A variable of the model's chat template as name=value, such as enable_thinking=true; the value is JSON, or else text. A model that
    /// can think or not does not, unless this says so.
    /// </summary>
    [Folded]
    public IReadOnlyList<string> TemplateVariables { get; init; } = [];

    /// <summary>
    /// Let special tokens that are written in requests and answers (&lt;|im_end|&gt; and the like) become tokens, as transformers does: a
    /// data file can then forge turns.
    /// </summary>
    [Folded]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RawSpecialTokens { get; init; }

    /// <inheritdoc/>
    public void Validate() => Resolve();

    /// <summary>The same with the texts of its files, and a known template's source.</summary>
    /// <exception cref="BeearException">A file is missing or blank.</exception>
    public ConversationSettings WithText()
    {
        var texts = Resolve();
        return this with { System = texts.System, ChatTemplate = texts.Template };
    }

    /// <summary>As a chat format takes it.</summary>
    /// <exception cref="BeearException">
    /// The file of the system prompt or the template is missing or blank, the template cannot be read or is not known, or a variable has
    /// no name or no value, or comes twice.
    /// </exception>
    public ChatDefaults Resolve()
    {
        string? text = System is ['@', .. var file] ? Read("--system", file) : System;
        if (text is not null && string.IsNullOrWhiteSpace(text)) throw new BeearException(
            "The system prompt is blank; give a text, or leave --system away.");
        return new ChatDefaults(text?.TrimEnd('\r', '\n'))
        {
            Template = Template(),
            Variables = Data.TemplateVariables.Read(TemplateVariables),
            RawSpecialTokens = RawSpecialTokens,
        };
    }

    private const long LongestText = 1 << 20; // bytes

    /// <summary>The template's source, which is well-formed.</summary>
    private string? Template()
    {
        if (ChatTemplate is null) return null;
        string source = ChatTemplate is ['@', .. var file] ? Read("--chat-template", file) : ChatTemplate;
        if (!source.Contains('{', StringComparison.Ordinal)) source = KnownTemplates.Named(source);
        _ = new ChatTemplate(source);
        return source;
    }

    private static string Read(string option, string file)
    {
        if (!File.Exists(file))
            throw new BeearException($"{option} @{file}: there is no such file; name a text file, or give the text itself.");
        try
        {
            return FileContent.ReadText(file, LongestText);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"{option} @{file}: the file could not be read: {failure.Reason()}.", failure);
        }
    }
}
