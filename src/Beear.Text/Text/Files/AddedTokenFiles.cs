using System.Globalization;
using System.Text.Json.Nodes;

namespace Beear.Text.Files;

/// <summary>
/// Tokens that tokenizer_config.json, added_tokens.json and special_tokens_map.json add to a tokenizer. As in transformers, what
/// <c>added_tokens_decoder</c> says of a token goes before tokenizer.json, and a token that a file names (an <c>eos_token</c>) is special.
/// </summary>
internal sealed class AddedTokenFiles
{
    private static readonly string[] Flags = ["single_word", "lstrip", "rstrip", "normalized", "special"];
    private readonly JsonArray added;
    private readonly Lazy<Dictionary<string, int>> vocabulary;
    private readonly Lazy<Dictionary<int, string>> contents;
    private readonly Dictionary<string, (JsonObject Token, string File)> byContent = new(StringComparer.Ordinal);
    private readonly Dictionary<int, (string Content, string File)> byId = [];
    private readonly Dictionary<string, JsonObject> named;
    private readonly string source;
    private readonly string tokenizerFile;
    private bool isChanged;

    private AddedTokenFiles(JsonObject tokenizer, ModelFiles files, string tokenizerFile)
    {
        if (tokenizer["added_tokens"] is not JsonArray) tokenizer["added_tokens"] = new JsonArray();
        added = tokenizer["added_tokens"]!.AsArray();
        vocabulary = new(() => Vocabulary(tokenizer));
        contents = new(() => vocabulary.Value.DistinctBy(token => token.Value).ToDictionary(token => token.Value, token => token.Key));
        named = Named(files);
        (source, this.tokenizerFile) = (files.Source, tokenizerFile);
        foreach (var token in added.OfType<JsonObject>())
        {
            if (token.Text("content") is { } content && IdOf(token["id"]) is { } id) Know(token, content, id, tokenizerFile);
        }
    }

    /// <summary>Adds them.</summary>
    /// <param name="tokenizer">A tokenizer.json, which is changed.</param>
    /// <param name="files">The files beside it.</param>
    /// <param name="tokenizerFile">The file that it is, or was made of. Placeholders of a tokenizer.model may get other names.</param>
    /// <returns>Whether anything changed.</returns>
    /// <exception cref="BeearException">A token has two ids, or an id two tokens.</exception>
    public static bool Join(JsonObject tokenizer, ModelFiles files, string tokenizerFile)
    {
        var join = new AddedTokenFiles(tokenizer, files, tokenizerFile);
        var decoder = files.Json(ModelFiles.TokenizerConfig)?["added_tokens_decoder"] as JsonObject ?? [];
        foreach (var (id, described) in decoder.OrderBy(entry => entry.Key.Length).ThenBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (described is JsonObject token && token.Text("content") is { Length: > 0 } content
                && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                join.Add(number, content, token, ModelFiles.TokenizerConfig);
        }
        foreach (var (content, id) in files.Json(ModelFiles.AddedTokens) ?? [])
        {
            if (content.Length > 0 && IdOf(id) is { } number) join.Add(number, content, described: null, ModelFiles.AddedTokens);
        }
        join.MarkNamed();
        return join.isChanged;
    }

    private void Add(int id, string content, JsonObject? described, string file)
    {
        if (byContent.TryGetValue(content, out var known))
        {
            if (IdOf(known.Token["id"]) is { } other && other != id) throw TwoIds(content, id, file, other, known.File);
            if (described is not null) Describe(known.Token, described);
            return;
        }
        if (vocabulary.Value.TryGetValue(content, out var inModel) && inModel != id)
            throw TwoIds(content, id, file, inModel, tokenizerFile);
        bool MayBeRenamed(string holderFile) => tokenizerFile == ModelFiles.SentencePiece && holderFile == tokenizerFile;
        if (Holder(id) is { } holder && holder.Content != content && !MayBeRenamed(holder.File))
            throw Contradiction($"the id {id} is '{content}' in {file} and '{holder.Content}' in {holder.File}");
        Append(id, content, described ?? [], file);
    }

    /// <summary>Tokens that are named for a purpose are special, wherever else they stand; those of no id stay unknown.</summary>
    private void MarkNamed()
    {
        foreach (var (content, described) in named)
        {
            if (byContent.TryGetValue(content, out var known))
            {
                if (!Flag(known.Token, "special", otherwise: false)) Set(known.Token, "special", true);
            }
            else if (vocabulary.Value.TryGetValue(content, out var id)) Append(id, content, described, tokenizerFile);
        }
    }

    private void Append(int id, string content, JsonObject described, string file)
    {
        var token = new JsonObject { ["id"] = id, ["content"] = content };
        foreach (var flag in Flags) token[flag] = StatedFlag(described, content, flag);
        added.Add(token);
        Know(token, content, id, file);
        isChanged = true;
    }

    /// <summary>A token that once was special stays so.</summary>
    private void Describe(JsonObject token, JsonObject described)
    {
        var content = token.Text("content")!;
        foreach (var flag in Flags)
        {
            var stated = StatedFlag(described, content, flag) || (flag == "special" && Flag(token, flag, otherwise: false));
            if (Flag(token, flag, otherwise: false) != stated) Set(token, flag, stated);
        }
    }

    private void Set(JsonObject token, string flag, bool value) => (token[flag], isChanged) = (value, true);

    /// <summary>A flag of a token as transformers' AddedToken has it where it is left out.</summary>
    private bool StatedFlag(JsonObject described, string content, string flag)
    {
        var special = Flag(described, "special", otherwise: false) || named.ContainsKey(content);
        return flag switch
        {
            "special" => special,
            "normalized" => Flag(described, flag, otherwise: !special),
            _ => Flag(described, flag, otherwise: false),
        };
    }

    private void Know(JsonObject token, string content, int id, string file)
    {
        byContent[content] = (token, file);
        byId[id] = (content, file);
    }

    /// <summary>What has an id already.</summary>
    private (string Content, string File)? Holder(int id) =>
        byId.TryGetValue(id, out var known) ? known
        : contents.Value.TryGetValue(id, out var content) ? (content, tokenizerFile)
        : null;

    private BeearException TwoIds(string content, int id, string file, int otherId, string otherFile) =>
        Contradiction($"'{content}' has the id {id} in {file} and {otherId} in {otherFile}");

    private BeearException Contradiction(string what) => new($"'{source}': {what}; fetch the tokenizer's files again, all from one model.");

    private static Dictionary<string, int> Vocabulary(JsonObject tokenizer)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        switch (tokenizer["model"]?["vocab"])
        {
            case JsonObject map:
                foreach (var (content, id) in map)
                    if (IdOf(id) is { } number) ids[content] = number;
                break;
            case JsonArray scored:
                for (var id = 0; id < scored.Count; id++)
                    if (scored[id] is JsonArray { Count: > 0 } entry && TextOf(entry[0]) is { } content) ids[content] = id;
                break;
        }
        return ids;
    }

    /// <summary>The tokens that files name for a purpose, with what they say of them.</summary>
    private static Dictionary<string, JsonObject> Named(ModelFiles files)
    {
        var tokens = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var json in new[] { files.Json(ModelFiles.TokenizerConfig), files.Json(ModelFiles.SpecialTokens) })
        {
            var single = ChatFormatFiles.TokenKeys.Select(key => json?[key]);
            var lists = new[] { "additional_special_tokens", "extra_special_tokens" }.SelectMany(key => json?[key] switch
            {
                JsonArray list => list,
                JsonObject map => map.Select(entry => entry.Value),
                _ => [],
            });
            foreach (var token in single.Concat(lists))
            {
                var content = token is JsonObject described ? described.Text("content") : TextOf(token);
                if (content is { Length: > 0 }) tokens.TryAdd(content, token as JsonObject ?? []);
            }
        }
        return tokens;
    }

    private static int? IdOf(JsonNode? id) =>
        id is JsonValue value && value.TryGetValue<int>(out var number) && number >= 0 ? number : null;

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool Flag(JsonObject json, string key, bool otherwise) =>
        json[key] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : otherwise;
}
