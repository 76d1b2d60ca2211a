using System.Globalization;
using System.Text.Json.Nodes;
using Beear.Text.Tokenization.Files;

namespace Beear.Checkpoints;

/// <summary>A model's tokenizer.model and what its other files add to it, as a tokenizer.json.</summary>
internal static class SentencePieceTokenizer
{
    /// <summary>Writes the tokenizer.json.</summary>
    /// <exception cref="BeearException">A file is damaged.</exception>
    public static JsonObject TokenizerJson(ModelFiles files)
    {
        string source = Path.Combine(files.Source, ModelFiles.SentencePiece);
        var config = files.Json(ModelFiles.TokenizerConfig);
        var model = SentencePieceFile.Read(files.Bytes(ModelFiles.SentencePiece), source);
        bool addBegin = Flag(config, "add_bos_token", otherwise: true), addEnd = Flag(config, "add_eos_token", otherwise: false);
        var json = SentencePieceJson.Write(model, addBegin, addEnd, Flag(config, "legacy", otherwise: true), source);
        var added = json["added_tokens"]!.AsArray();
        var known = added.Select(token => token!["content"]!.GetValue<string>()).ToHashSet(StringComparer.Ordinal);
        foreach (var token in TokensAddedLater(files, config))
            if (known.Add(token["content"]!.GetValue<string>())) added.Add(token);
        return json;
    }

    /// <summary>Tokens that were added when the model was trained for chat: they are not in tokenizer.model.</summary>
    private static IEnumerable<JsonObject> TokensAddedLater(ModelFiles files, JsonObject? config)
    {
        foreach (var (id, described) in config?["added_tokens_decoder"] as JsonObject ?? [])
        {
            if (described is JsonObject token && token.Text("content") is { } content && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                yield return Token(number, content, token);
        }
        foreach (var (content, id) in files.Json(ModelFiles.AddedTokens) ?? [])
        {
            if (id is JsonValue value && value.TryGetValue(out int number)) yield return Token(number, content, []);
        }
    }

    private static JsonObject Token(int id, string content, JsonObject described) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = Flag(described, "single_word", otherwise: false),
        ["lstrip"] = Flag(described, "lstrip", otherwise: false),
        ["rstrip"] = Flag(described, "rstrip", otherwise: false),
        ["normalized"] = Flag(described, "normalized", otherwise: false),
        ["special"] = Flag(described, "special", otherwise: true),
    };

    private static bool Flag(JsonObject? json, string key, bool otherwise) =>
        json?[key] is JsonValue value && value.TryGetValue(out bool flag) ? flag : otherwise;
}
