using System.Text.Json.Nodes;

namespace Beear.Checkpoints.Gguf;

/// <summary>
/// A SentencePiece tokenizer of merges (<c>tokenizer.ggml.model</c> = llama): tokens with scores, of which always the pair whose joined
/// token has the highest score is joined. In tokenizer.json it is byte-pair encoding with the same merges, the best first.
/// </summary>
internal static class GgufSentencePiece
{
    /// <summary>What stands for a space.</summary>
    public const string Space = "\u2581";

    private const int DefaultUnknown = 0, LongestToken = 1024;

    /// <summary>tokenizer.json.</summary>
    /// <exception cref="BeearException">There is no score for each token.</exception>
    public static JsonObject ToJson(GgufFile file, GgufTokens tokens)
    {
        var scores = file.Metadata.Array("tokenizer.ggml.scores")?.ToReals();
        if (scores?.Length != tokens.Texts.Length) throw GgufFile.Error(file.Path,
            $"it has {tokens.Texts.Length} tokens but {scores?.Length ?? 0} scores");
        var spaceFirst = file.Metadata.Truth("tokenizer.ggml.add_space_prefix") ?? true;
        var unknown = tokens.Special("unknown") ?? (tokens.Texts.Length > DefaultUnknown ? DefaultUnknown : null);
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = tokens.Added(),
            ["normalizer"] = Normalizer(spaceFirst),
            ["pre_tokenizer"] = null,
            ["post_processor"] = tokens.PostProcessor(firstByDefault: true),
            ["decoder"] = Decoder(spaceFirst),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = unknown is { } id ? tokens.Texts[id] : null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = true,
                ["byte_fallback"] = tokens.Kinds.Contains(GgufTokenKind.Byte),
                ["ignore_merges"] = false,
                ["vocab"] = tokens.Vocabulary(),
                ["merges"] = new JsonArray([.. Merges(tokens, scores).Select(merge => new JsonArray(merge.Left, merge.Right))]),
            },
        };
    }

    /// <summary>Every way to join two tokens to a third, the best joined token first.</summary>
    internal static IEnumerable<(string Left, string Right)> Merges(GgufTokens tokens, float[] scores)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < tokens.Texts.Length; id++)
        {
            // All ways to cut a text take the square of its length; real tokens have some dozens of letters.
            if (tokens.Kinds[id] is GgufTokenKind.Normal or GgufTokenKind.UserDefined && tokens.Texts[id].Length <= LongestToken)
                ids.TryAdd(tokens.Texts[id], id);
        }
        var parts = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(int Whole, int Left, int Right)>();
        foreach (var (text, whole) in ids)
        {
            for (var cut = 1; cut < text.Length; cut++)
            {
                if (parts.TryGetValue(text.AsSpan(0, cut), out var left) && parts.TryGetValue(text.AsSpan(cut), out var right))
                    merges.Add((whole, left, right));
            }
        }
        return merges.OrderByDescending(merge => scores[merge.Whole]).ThenBy(merge => merge.Whole).ThenBy(merge => merge.Left)
            .ThenBy(merge => merge.Right)
            .Select(merge => (tokens.Texts[merge.Left], tokens.Texts[merge.Right]));
    }

    private static JsonObject Normalizer(bool spaceFirst)
    {
        var replace = Replace(" ", Space);
        if (!spaceFirst) return replace;
        return new JsonObject
        {
            ["type"] = "Sequence",
            ["normalizers"] = new JsonArray(new JsonObject { ["type"] = "Prepend", ["prepend"] = Space }, replace),
        };
    }

    private static JsonObject Decoder(bool spaceFirst)
    {
        var steps = new JsonArray(Replace(Space, " "), new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (spaceFirst) steps.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = steps };
    }

    private static JsonObject Replace(string text, string by) => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { ["String"] = text },
        ["content"] = by,
    };
}
