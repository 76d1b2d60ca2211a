using System.Text;
using System.Text.Json.Nodes;
using Beear.Runtime;
using Beear.Text.Tokenization;
using Beear.Text.Tokenization.Decoders;
using Beear.Text.Tokenization.Files;
using Beear.Text.Tokenization.PreTokenizers;

namespace Beear.Text;

/// <summary>A tokenizer as tokenizer.json describes it: text to ids and back. Immutable and thread-safe.</summary>
public sealed class Tokenizer
{
    private const long LargestFile = 512L << 20;
    private readonly TokenizerParts parts;
    private readonly AddedTokenFinder tokensInText;
    private readonly AddedTokenFinder tokensInNormalizedText;

    private Tokenizer(TokenizerParts parts)
    {
        this.parts = parts;
        var budget = new EncodingBudget(parts.AddedTokens.Sum(token => (long)token.Content.Length));
        tokensInText = new AddedTokenFinder(parts.AddedTokens.Where(token => !token.Normalized));
        tokensInNormalizedText = new AddedTokenFinder(parts.AddedTokens.Where(token => token.Normalized)
            .Select(token => token with { Content = parts.Normalizer?.Normalize(token.Content, budget) ?? token.Content }));
    }

    /// <summary>The highest id + 1, added tokens included; the model's embedding may have more rows.</summary>
    public int VocabularySize => parts.Vocabulary.Size;

    /// <summary>Reads tokenizer.json.</summary>
    /// <exception cref="BeearException">The file is missing, damaged, or asks for a kind of tokenizer that is not supported.</exception>
    public static Tokenizer Load(string tokenizerJsonPath)
    {
        try
        {
            return FromJson(FileContent.Read(tokenizerJsonPath, LargestFile), tokenizerJsonPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"The tokenizer {tokenizerJsonPath} can not be read: {error.Reason()}.", error);
        }
    }

    /// <summary>Reads the content of a tokenizer.json.</summary>
    /// <param name="utf8">The JSON text.</param>
    /// <param name="source">What to call it in errors, such as its path.</param>
    /// <exception cref="BeearException">The content is damaged or asks for a kind of tokenizer that is not supported.</exception>
    public static Tokenizer FromJson(ReadOnlyMemory<byte> utf8, string source) => new(TokenizerFile.Read(utf8, source));

    /// <summary>Reads a tokenizer.json that was made in memory.</summary>
    /// <param name="tokenizerJson">The file's content.</param>
    /// <param name="source">What to call it in errors, such as the file it was made from.</param>
    /// <exception cref="BeearException">The content is damaged or asks for a kind of tokenizer that is not supported.</exception>
    public static Tokenizer FromJson(JsonObject tokenizerJson, string source) =>
        FromJson(Encoding.UTF8.GetBytes(tokenizerJson.ToJsonString()), source);

    /// <summary>
    /// Reads the content of a SentencePiece model, as models of Llama 2's time have it beside or instead of tokenizer.json.
    /// </summary>
    /// <param name="content">The content of a tokenizer.model.</param>
    /// <param name="source">What to call it in errors, such as its path.</param>
    /// <param name="addBegin">Whether the model's begin-of-sequence token is one of the special tokens that encoding can add.</param>
    /// <param name="addEnd">Whether the model's end-of-sequence token is.</param>
    /// <param name="addPrefixAfterTokens">
    /// Whether text behind an added token gets a space before it, as the text's start does: "legacy" of tokenizer_config.json.
    /// </param>
    /// <exception cref="BeearException">The content is damaged or asks for something that is not supported.</exception>
    public static Tokenizer FromSentencePiece(ReadOnlyMemory<byte> content, string source, bool addBegin = true, bool addEnd = false,
        bool addPrefixAfterTokens = true) =>
            FromJson(SentencePieceJson.Write(SentencePieceFile.Read(content.Span, source), addBegin, addEnd, addPrefixAfterTokens,
            source), source);

    /// <summary>The ids of a text. Added and special tokens written in the text are recognised.</summary>
    /// <param name="text">Any text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="addSpecialTokens">Add what the post-processor adds, such as a begin-of-sequence token.</param>
    /// <exception cref="BeearException">
    /// The tokenizer makes far too much of the text, takes too long over it, or has no token for a part of it.
    /// </exception>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        var ids = EncodeBroken(text, []);
        return addSpecialTokens && parts.PostProcessor is { } postProcessor ? [.. postProcessor.Process(ids)] : [.. ids];
    }

    /// <summary>The ids of a text in which added tokens are recognised only between some places.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="breaks">Places in it that no added token goes across, in rising order.</param>
    internal List<int> EncodeBroken(string text, ReadOnlySpan<int> breaks)
    {
        var ids = new List<int>((text.Length / 3) + 1);
        string wellFormed = ReplaceUnpairedSurrogates(text);
        var budget = new EncodingBudget(text.Length);
        foreach (var segment in tokensInText.Split(wellFormed, budget, breaks))
        {
            if (segment.Id is { } id)
            {
                ids.Add(id);
                continue;
            }
            int start = segment.Span.Start;
            foreach (int cut in breaks)
            {
                // A normalized text has other places: it is cut instead, if a token could be found in it.
                if (tokensInNormalizedText.IsEmpty || cut <= start || cut >= segment.Span.End) continue;
                EncodeNormalized(wellFormed[start..cut], startsText: start == 0, ids, budget);
                start = cut;
            }
            EncodeNormalized(wellFormed[start..segment.Span.End], startsText: start == 0, ids, budget);
        }
        return ids;
    }

    /// <summary>The ids of each text, in parallel.</summary>
    public IReadOnlyList<int[]> EncodeBatch(IReadOnlyList<string> texts, bool addSpecialTokens = false)
    {
        var encoded = new int[texts.Count][];
        Parallel.For(0, texts.Count, index => encoded[index] = Encode(texts[index], addSpecialTokens));
        return encoded;
    }

    /// <summary>The text of ids; bytes that are not valid UTF-8 become U+FFFD, ids without a token are left out.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var text = new TextCollector();
        var steps = DecoderInto(text);
        foreach (int id in ids)
            if (DecodableTokenOf(id, skipSpecialTokens) is { } token) steps.Write(token, endsToken: true);
        steps.Complete();
        return text.Take();
    }

    /// <summary>Starts to decode ids that arrive one by one.</summary>
    public StreamingDecoder StartDecoding(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>The id of a token as the vocabulary writes it; null if there is no such token.</summary>
    public int? IdOf(string token) => parts.Vocabulary.IdOf(token);

    /// <summary>
    /// The token of an id as the vocabulary writes it (byte-level tokens in their alphabet: "Ġhello"); empty if there is none.
    /// </summary>
    public string TokenOf(int id) => parts.Vocabulary.TokenOf(id) ?? "";

    /// <summary>Whether the id belongs to a special token.</summary>
    public bool IsSpecial(int id) => parts.Vocabulary.IsSpecial(id);

    /// <summary>The tokens that are found in a text before all else, with their ids.</summary>
    internal IEnumerable<(string Content, int Id)> AddedTokenIds => parts.AddedTokens.Select(token => (token.Content, token.Id));

    /// <summary>The tokens that are found in a text before all else, as they are written.</summary>
    internal IEnumerable<string> AddedTokens => parts.AddedTokens.Select(token => token.Content);

    /// <summary>New steps of decoding that write their text into a collector.</summary>
    internal DecoderStep DecoderInto(TextCollector text) => parts.Decoder(text);

    /// <summary>The token of an id; null if decoding leaves it out.</summary>
    internal string? DecodableTokenOf(int id, bool skipSpecialTokens) =>
        skipSpecialTokens && IsSpecial(id) ? null : parts.Vocabulary.TokenOf(id);

    private void EncodeNormalized(string text, bool startsText, List<int> ids, EncodingBudget budget)
    {
        text = parts.Normalizer?.Normalize(text, budget) ?? text;
        var pieces = new List<TextPiece>();
        foreach (var segment in tokensInNormalizedText.Split(text, budget))
        {
            if (segment.Id is { } id)
            {
                ids.Add(id);
                continue;
            }
            var between = new TextPiece(text.AsMemory(), startsText).Slice(segment.Span.Start, segment.Span.End);
            pieces.Clear();
            if (parts.PreTokenizer is { } preTokenizer)
                preTokenizer.Split(between, pieces, budget);
            else
                pieces.Add(between);
            foreach (var piece in pieces)
            {
                budget.ChargeModel(piece.Text.Length);
                parts.Model.Encode(piece.Text.Span, ids, budget);
            }
        }
    }

    private static string ReplaceUnpairedSurrogates(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return text;
        var wellFormed = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) wellFormed.Append(rune);
        return wellFormed.ToString();
    }
}
