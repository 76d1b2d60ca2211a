using System.Text.Json.Serialization;
using Beear.Runtime;
using Beear.Text;

namespace Beear.Data;

/// <summary>What every conversation with a model has, as flags and recipes give it.</summary>
public sealed record ConversationSettings : IValidatable
{
    /// <summary>The system prompt of every conversation that has none of its own: its text, or @FILE for that of a file.</summary>
    public string? System { get; init; }

    /// <summary>A variable of the model's chat template as name=value, such as enable_thinking=true; the value is JSON, or else text. A model that can think or not does not, unless this says so.</summary>
    [Folded]
    public IReadOnlyList<string> TemplateVariables { get; init; } = [];

    /// <summary>Let special tokens that are written in requests and answers (&lt;|im_end|&gt; and the like) become tokens, as transformers does: a data file can then forge turns.</summary>
    [Folded]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RawSpecialTokens { get; init; }

    /// <inheritdoc/>
    public void Validate() => Resolve();

    /// <summary>The same with the text of its file.</summary>
    /// <exception cref="BeearException">The file is missing or blank.</exception>
    public ConversationSettings WithText() => this with { System = Resolve().System };

    /// <summary>As a chat format takes it.</summary>
    /// <exception cref="BeearException">The system prompt's file is missing or blank, or a variable has no name or no value, or comes twice.</exception>
    public ChatDefaults Resolve()
    {
        string? text = System is ['@', .. var file] ? Read(file) : System;
        if (text is not null && string.IsNullOrWhiteSpace(text)) throw new BeearException("The system prompt is blank; give a text, or leave --system away.");
        return new ChatDefaults(text?.TrimEnd('\r', '\n')) { Variables = Data.TemplateVariables.Read(TemplateVariables), RawSpecialTokens = RawSpecialTokens };
    }

    private const long LongestPrompt = 1 << 20; // bytes

    private static string Read(string file)
    {
        if (!File.Exists(file)) throw new BeearException($"--system @{file}: there is no such file; name a text file, or give the prompt itself.");
        try
        {
            return FileContent.ReadText(file, LongestPrompt);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"--system @{file}: the file could not be read: {failure.Message.TrimEnd('.')}.", failure);
        }
    }
}
