using System.Text;
using System.Text.Json.Nodes;

namespace Beear.Text.Files;

/// <summary>The files of a Hugging Face model directory that hold everything but the weights, by name.</summary>
internal sealed class ModelFiles
{
    public const string Config = "config.json";
    public const string GenerationConfig = "generation_config.json";
    public const string Tokenizer = "tokenizer.json";
    public const string SentencePiece = "tokenizer.model";
    public const string AddedTokens = "added_tokens.json";
    public const string Vocabulary = "vocab.json";
    public const string Merges = "merges.txt";
    public const string TokenizerConfig = "tokenizer_config.json";
    public const string SpecialTokens = "special_tokens_map.json";
    public const string ChatTemplate = "chat_template.jinja";
    public const string ProcessorTemplate = "chat_template.json";

    /// <summary>The folder of templates other than the default one, each a file NAME.jinja.</summary>
    public const string MoreTemplates = "additional_chat_templates/";

    private static readonly string[] Carried =
    [
        Config, GenerationConfig, Tokenizer, TokenizerConfig, SpecialTokens, ChatTemplate, ProcessorTemplate,
        AddedTokens, Vocabulary, Merges, SentencePiece,
    ];

    private readonly SortedDictionary<string, Lazy<byte[]>> contents = new(StringComparer.Ordinal);

    private ModelFiles(string source) => Source = source;

    /// <summary>The directory or file that they belong to, for messages.</summary>
    public string Source { get; }

    /// <summary>The names of the files that exist.</summary>
    public IEnumerable<string> Names => contents.Keys;

    /// <summary>The files of a directory; each is read when it is first asked for.</summary>
    /// <param name="directory">Where they lie.</param>
    /// <param name="source">What to call them in messages.</param>
    public static ModelFiles In(string directory, string source)
    {
        var files = new ModelFiles(source);
        foreach (var name in Carried.Concat(NamesOfMoreTemplates(directory)))
        {
            var path = Path.Combine(directory, name);
            if (File.Exists(path)) files.contents.Add(name, new Lazy<byte[]>(() => JsonFile.ReadBytes(path)));
        }
        return files;
    }

    private static IEnumerable<string> NamesOfMoreTemplates(string directory)
    {
        var folder = Path.Combine(directory, MoreTemplates);
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*.jinja").Select(path => MoreTemplates + Path.GetFileName(path)) : [];
    }

    /// <summary>Gives a file that does not exist yet a content; one that exists stays as it is.</summary>
    public void AddMissing(string name, Func<JsonObject> content) =>
        contents.TryAdd(name, new Lazy<byte[]>(() => JsonFile.ToBytes(content())));

    /// <summary>The same files but for one.</summary>
    public ModelFiles With(string name, JsonObject content)
    {
        var files = new ModelFiles(Source);
        foreach (var (other, bytes) in contents) files.contents.Add(other, bytes);
        files.Replace(name, content);
        return files;
    }

    /// <summary>Gives a file another content.</summary>
    public void Replace(string name, JsonObject content) => contents[name] = new Lazy<byte[]>(() => JsonFile.ToBytes(content));

    /// <summary>
    /// Takes the tokenizer and the templates of a folder that is laid over this one. A whole tokenizer, and any template, leaves nothing of
    /// these: the files that they are read from would contradict each other.
    /// </summary>
    public void TakeTokenizer(ModelFiles other)
    {
        bool isWhole = other.Has(Tokenizer) || other.Has(SentencePiece) || other.Has("vocab.json");
        bool hasTemplate = other.Names.Any(IsTemplate) || other.Json(TokenizerConfig)?["chat_template"] is not null;
        foreach (var name in Names.Where(name => IsTemplate(name) ? hasTemplate : isWhole && !IsConfig(name))
            .ToList()) contents.Remove(name);
        foreach (var name in other.Names.Where(name => !IsConfig(name))) contents[name] = other.contents[name];
    }

    /// <summary>
    /// Gives the model one chat template in place of all that it has: in a file of its own if it has one there, else in
    /// tokenizer_config.json.
    /// </summary>
    public void ReplaceTemplates(string source)
    {
        bool isFile = Has(ChatTemplate);
        foreach (var name in Names.Where(IsTemplate).ToList()) contents.Remove(name);
        if (isFile) contents[ChatTemplate] = new Lazy<byte[]>(Encoding.UTF8.GetBytes(source));
        var config = Json(TokenizerConfig) ?? [];
        if (!isFile) config["chat_template"] = source;
        else if (!config.Remove("chat_template")) return;
        Replace(TokenizerConfig, config);
    }

    private static bool IsConfig(string name) => name is Config or GenerationConfig;

    private static bool IsTemplate(string name) =>
        name is ChatTemplate or ProcessorTemplate || name.StartsWith(MoreTemplates, StringComparison.Ordinal);

    /// <summary>Whether there is a file of this name.</summary>
    public bool Has(string name) => contents.ContainsKey(name);

    /// <summary>A file's bytes, or null.</summary>
    public byte[]? Bytes(string name) => contents.TryGetValue(name, out var content) ? content.Value : null;

    /// <summary>A file's JSON object, or null.</summary>
    /// <exception cref="BeearException">The file holds something else.</exception>
    public JsonObject? Json(string name) => Bytes(name) is { } utf8 ? JsonFile.Parse(utf8, Path.Combine(Source, name)) : null;
}
