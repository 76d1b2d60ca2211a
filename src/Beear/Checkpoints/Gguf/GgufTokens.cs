using System.Text.Json.Nodes;

namespace Beear.Checkpoints.Gguf;

/// <summary>The tokens of a GGUF file with their kinds, and what tokenizer.json says of them whatever the model is.</summary>
internal sealed class GgufTokens
{
    private readonly GgufFile file;

    /// <summary>Reads them.</summary>
    /// <exception cref="BeearException">There are none, or not as many kinds as tokens.</exception>
    public GgufTokens(GgufFile file)
    {
        this.file = file;
        Texts = file.Metadata.Array("tokenizer.ggml.tokens")?.ToStrings()
            ?? throw GgufFile.Error(file.Path, "its metadata lack tokenizer.ggml.tokens");
        Kinds = file.Metadata.Array("tokenizer.ggml.token_type")?.ToIntegers()
            ?? [.. Enumerable.Repeat(GgufTokenKind.Normal, Texts.Length)];
        if (Kinds.Length != Texts.Length) throw GgufFile.Error(file.Path, $"it has {Texts.Length} tokens but {Kinds.Length} token types");
    }

    /// <summary>The tokens by id.</summary>
    public string[] Texts { get; }

    /// <summary>Their kinds; see <see cref="GgufTokenKind"/>.</summary>
    public long[] Kinds { get; }

    /// <summary>The id of a token with a part to play ("bos", "eos", "unknown", "padding"), or null.</summary>
    /// <exception cref="BeearException">It is not among the tokens.</exception>
    public int? Special(string name)
    {
        if (file.Metadata.Integer($"tokenizer.ggml.{name}_token_id") is not { } id) return null;
        return id >= 0 && id < Texts.Length
            ? (int)id : throw GgufFile.Error(file.Path, $"its {name} token {id} is not among {Texts.Length} tokens");
    }

    /// <summary><c>vocab</c>: token → id, without unused ids.</summary>
    /// <exception cref="BeearException">A token comes twice.</exception>
    public JsonObject Vocabulary()
    {
        var vocabulary = new JsonObject();
        for (var id = 0; id < Texts.Length; id++)
        {
            if (Kinds[id] != GgufTokenKind.Unused && !vocabulary.TryAdd(Texts[id], JsonValue.Create(id)))
                throw GgufFile.Error(file.Path, $"its vocabulary has the token '{Texts[id]}' twice");
        }
        return vocabulary;
    }

    /// <summary><c>added_tokens</c>: those that are found in a text before anything else.</summary>
    public JsonArray Added()
    {
        var added = new JsonArray();
        var isPhi3 = GgufPhi3.IsNamed(file.Metadata.Text("general.name"));
        for (var id = 0; id < Texts.Length; id++)
        {
            if (Kinds[id] is GgufTokenKind.Unknown or GgufTokenKind.Control or GgufTokenKind.UserDefined)
                added.Add(AddedToken(id, Texts[id], Kinds[id] != GgufTokenKind.UserDefined, stripsSpaces: isPhi3
                    && GgufPhi3.Strips(Texts[id])));
        }
        return added;
    }

    /// <summary><c>post_processor</c>: what puts the first and last token around a text where the model was trained with them.</summary>
    /// <param name="firstByDefault">Whether the first token is added where the metadata do not say.</param>
    public JsonObject? PostProcessor(bool firstByDefault)
    {
        var first = file.Metadata.Truth("tokenizer.ggml.add_bos_token") ?? firstByDefault ? Special("bos") : null;
        var last = file.Metadata.Truth("tokenizer.ggml.add_eos_token") ?? false ? Special("eos") : null;
        if (first is null && last is null) return null;
        var specials = new JsonObject();
        foreach (var id in new[] { first, last }.OfType<int>().Distinct())
        {
            specials[Texts[id]] = new JsonObject
            {
                ["id"] = Texts[id],
                ["ids"] = new JsonArray(id),
                ["tokens"] = new JsonArray(Texts[id]),
            };
        }
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = Around(first, last, ("A", 0)),
            ["pair"] = Around(first, last, ("A", 0), ("B", 1)),
            ["special_tokens"] = specials,
        };
    }

    private JsonArray Around(int? first, int? last, params (string Id, int Type)[] sequences)
    {
        JsonObject Token(int id, int type) => new() { ["SpecialToken"] = new JsonObject { ["id"] = Texts[id], ["type_id"] = type } };
        var parts = new JsonArray();
        foreach (var (id, type) in sequences)
        {
            if (first is { } begin) parts.Add(Token(begin, type));
            parts.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = type } });
            if (last is { } end) parts.Add(Token(end, type));
        }
        return parts;
    }

    private static JsonObject AddedToken(int id, string content, bool special, bool stripsSpaces) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = stripsSpaces,
        ["normalized"] = false,
        ["special"] = special,
    };
}
