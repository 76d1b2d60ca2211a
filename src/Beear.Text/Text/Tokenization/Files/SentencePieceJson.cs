using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Beear.Text.Tokenization.Files;

/// <summary>What makes a tokenizer.json out of SentencePiece's pieces, of whichever file they come.</summary>
internal sealed record SentencePieceSettings
{
    /// <summary>Byte-pair encoding instead of the unigram model.</summary>
    public required bool IsBytePair { get; init; }

    /// <summary>Whether unknown characters become byte pieces.</summary>
    public required bool ByteFallback { get; init; }

    /// <summary>Whether a space is put before the text.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>
    /// Whether a space is put behind each added token in the text too, which transformers calls "legacy"; SentencePiece itself does not.
    /// </summary>
    public bool AddPrefixAfterTokens { get; init; } = true;

    /// <summary>Whether spaces at the ends are dropped and runs of spaces made one.</summary>
    public bool RemoveExtraSpaces { get; init; }

    /// <summary>The precompiled map of characters; may be empty.</summary>
    public byte[] CharacterMap { get; init; } = [];

    /// <summary>The id that is put before a text when special tokens are asked for.</summary>
    public int? FirstId { get; init; }

    /// <summary>The id that is put behind a text when special tokens are asked for.</summary>
    public int? LastId { get; init; }
}

/// <summary>Writes SentencePiece's tokenizers in the form of tokenizer.json.</summary>
internal static class SentencePieceJson
{
    private const string Space = "▁";
    private const int LongestMergedPiece = 512; // SentencePiece trains none that are longer

    /// <summary>Writes a tokenizer.json.</summary>
    /// <param name="pieces">The pieces by id.</param>
    /// <param name="settings">The rest.</param>
    /// <param name="source">What the pieces come from, for errors.</param>
    /// <exception cref="BeearException">
    /// A piece occurs twice or has no finite score, or the settings name an id that there is not.
    /// </exception>
    public static JsonObject Write(IReadOnlyList<Piece> pieces, SentencePieceSettings settings, string source)
    {
        if (pieces.FirstOrDefault(piece => !float.IsFinite(piece.Score)) is { } damaged)
            throw new BeearException($"{source} has a token \"{damaged.Text}\" whose score is not a number; it is damaged.");
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = AddedTokens(pieces),
            ["normalizer"] = Normalizer(settings),
            ["pre_tokenizer"] = PreTokenizer(settings),
            ["post_processor"] = PostProcessor(pieces, settings, source),
            ["decoder"] = Decoder(settings),
            ["model"] = settings.IsBytePair ? BytePairModel(pieces, settings, source) : UnigramModel(pieces, settings, source),
        };
    }

    /// <summary>Writes a tokenizer.json with all that a tokenizer.model holds.</summary>
    /// <param name="file">The model's content.</param>
    /// <param name="addBegin">Whether its begin-of-sequence token goes before a text when special tokens are asked for.</param>
    /// <param name="addEnd">Whether its end-of-sequence token goes behind it.</param>
    /// <param name="addPrefixAfterTokens">See <see cref="SentencePieceSettings.AddPrefixAfterTokens"/>.</param>
    /// <param name="source">What to call it in errors.</param>
    /// <exception cref="BeearException">It is damaged.</exception>
    public static JsonObject Write(SentencePieceFile file, bool addBegin, bool addEnd, bool addPrefixAfterTokens, string source)
    {
        var settings = new SentencePieceSettings
        {
            IsBytePair = file.IsBytePair,
            ByteFallback = file.ByteFallback,
            AddDummyPrefix = file.AddDummyPrefix,
            AddPrefixAfterTokens = addPrefixAfterTokens,
            RemoveExtraSpaces = file.RemoveExtraSpaces,
            CharacterMap = file.CharacterMap,
            FirstId = addBegin && file.BeginId >= 0 ? file.BeginId : null,
            LastId = addEnd && file.EndId >= 0 ? file.EndId : null,
        };
        return Write(file.Pieces, settings, source);
    }

    /// <summary>
    /// The merges of byte-pair pieces: each way to cut a piece into two pieces is a merge, those of better scores first and of equal ones
    /// those with the longer left part first, as transformers orders them.
    /// </summary>
    public static JsonArray Merges(IReadOnlyList<Piece> pieces)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < pieces.Count; id++)
            if (IsMerged(pieces[id])) ids.TryAdd(pieces[id].Text, id);
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<Merge>();
        foreach (var piece in pieces.Where(IsMerged))
        {
            for (int cut = 1; cut < piece.Text.Length; cut++)
            {
                if (lookup.TryGetValue(piece.Text.AsSpan(0, cut), out int left)
                    && lookup.TryGetValue(piece.Text.AsSpan(cut), out int right))
                    merges.Add(new Merge(piece.Score, left, right, cut, piece.Text.Length - cut));
            }
        }
        var ordered = merges.OrderByDescending(merge => merge.Score).ThenByDescending(merge => merge.LeftLength)
            .ThenByDescending(merge => merge.RightLength).ThenBy(merge => merge.Left).ThenBy(merge => merge.Right);
        return new JsonArray([.. ordered.Select(merge => new JsonArray(pieces[merge.Left].Text, pieces[merge.Right].Text))]);
    }

    private static bool IsMerged(Piece piece) =>
        piece is { Type: PieceType.Normal or PieceType.UserDefined, Text.Length: <= LongestMergedPiece };

    private static JsonArray AddedTokens(IReadOnlyList<Piece> pieces)
    {
        var added = new JsonArray();
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Type is not (PieceType.Unknown or PieceType.Control or PieceType.UserDefined)) continue;
            added.Add(new JsonObject
            {
                ["id"] = id,
                ["content"] = pieces[id].Text,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = pieces[id].Type != PieceType.UserDefined,
            });
        }
        return added;
    }

    private static JsonObject BytePairModel(IReadOnlyList<Piece> pieces, SentencePieceSettings settings, string source)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Type != PieceType.Unused && !vocabulary.TryAdd(pieces[id].Text, JsonValue.Create(id)))
                throw new BeearException($"{source} has the token \"{pieces[id].Text}\" twice; it is damaged.");
        }
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = pieces.FirstOrDefault(piece => piece.Type == PieceType.Unknown)?.Text,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = true,
            ["byte_fallback"] = settings.ByteFallback,
            ["ignore_merges"] = false,
            ["vocab"] = vocabulary,
            ["merges"] = Merges(pieces),
        };
    }

    private static JsonObject UnigramModel(IReadOnlyList<Piece> pieces, SentencePieceSettings settings, string source)
    {
        var vocabulary = new JsonArray();
        int? unknown = null;
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Type == PieceType.Unused) throw new BeearException(
                $"{source} has unused pieces (\"{pieces[id].Text}\"), which are not supported for unigram models.");
            if (pieces[id].Type == PieceType.Unknown) unknown ??= id;
            vocabulary.Add(new JsonArray(pieces[id].Text, pieces[id].Score));
        }
        return new JsonObject
        {
            ["type"] = "Unigram",
            ["unk_id"] = unknown,
            ["byte_fallback"] = settings.ByteFallback,
            ["vocab"] = vocabulary
        };
    }

    private static JsonObject Normalizer(SentencePieceSettings settings)
    {
        var steps = new JsonArray();
        if (settings.CharacterMap.Length > 0)
            steps.Add(new JsonObject
            {
                ["type"] = "Precompiled",
                ["precompiled_charsmap"] = Convert.ToBase64String(settings.CharacterMap)
            });
        if (settings.RemoveExtraSpaces)
        {
            steps.Add(Replace("Regex", @"\A +| +\z", ""));
            steps.Add(Replace("Regex", " {2,}", " "));
        }
        if (settings is { AddDummyPrefix: true, AddPrefixAfterTokens: true }) steps.Add(
            new JsonObject { ["type"] = "Prepend", ["prepend"] = Space });
        steps.Add(Replace("String", " ", Space));
        return new JsonObject { ["type"] = "Sequence", ["normalizers"] = steps };
    }

    private static JsonObject? PreTokenizer(SentencePieceSettings settings) =>
        settings is { AddDummyPrefix: true, AddPrefixAfterTokens: false }
        ? new JsonObject { ["type"] = "Metaspace", ["replacement"] = Space, ["prepend_scheme"] = "first", ["split"] = false }
        : null;

    private static JsonObject Decoder(SentencePieceSettings settings)
    {
        var steps = new JsonArray(Replace("String", Space, " "), new JsonObject { ["type"] = "ByteFallback" },
            new JsonObject { ["type"] = "Fuse" });
        if (settings.AddDummyPrefix) steps.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = steps };
    }

    private static JsonObject Replace(string kind, string pattern, string content) =>
        new() { ["type"] = "Replace", ["pattern"] = new JsonObject { [kind] = pattern }, ["content"] = content };

    private static JsonObject? PostProcessor(IReadOnlyList<Piece> pieces, SentencePieceSettings settings, string source)
    {
        if (settings.FirstId is null && settings.LastId is null) return null;
        var single = new JsonArray();
        var specials = new JsonObject();
        AddSpecial(settings.FirstId);
        single.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } });
        AddSpecial(settings.LastId);
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = single,
            ["pair"] = single.DeepClone(),
            ["special_tokens"] = specials
        };

        void AddSpecial(int? id)
        {
            if (id is not { } present) return;
            if ((uint)present >= (uint)pieces.Count) throw new BeearException(
                $"{source} has no piece with the id {present} that it puts around texts.");
            string token = pieces[present].Text;
            single.Add(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } });
            specials[token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray(present), ["tokens"] = new JsonArray(token) };
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Merge(float Score, int Left, int Right, int LeftLength, int RightLength);
}
