using System.Text;
using System.Text.Json;
using Beear.Text.Tokenization;

namespace Beear.Text;

/// <summary>Text to token ids and back, as a Hugging Face tokenizer.json says. Immutable; safe for use by several threads.</summary>
public sealed class Tokenizer
{
    private readonly Dictionary<string, int> vocabulary;
    private readonly string?[] tokens;
    private readonly bool[] special;
    private readonly bool[] added;
    private readonly AddedTokens addedTokens;
    private readonly Func<string, string> normalize;
    private readonly IPreTokenizer preTokenizer;
    private readonly BytePairEncoder encoder;
    private readonly int[] before;
    private readonly int[] after;

    private Tokenizer(TokenizerFile file)
    {
        vocabulary = file.ReadVocabulary();
        encoder = file.ReadModel(vocabulary);
        var list = file.ReadAddedTokens();
        VocabularySize = 1 + Math.Max(vocabulary.Values.DefaultIfEmpty(-1).Max(), list.Select(token => token.Id).DefaultIfEmpty(-1).Max());
        tokens = new string?[VocabularySize];
        special = new bool[VocabularySize];
        added = new bool[VocabularySize];
        foreach (var (token, id) in vocabulary) tokens[id] = token;
        foreach (var token in list)
        {
            vocabulary[token.Content] = token.Id;
            (tokens[token.Id], special[token.Id], added[token.Id]) = (token.Content, token.Special, true);
        }
        addedTokens = new AddedTokens(list);
        normalize = file.ReadNormalizer();
        preTokenizer = file.ReadPreTokenizer();
        (before, after) = file.ReadPostProcessor(IdOf);
        file.CheckDecoder();
    }

    /// <summary>The highest id plus one, added tokens included.</summary>
    public int VocabularySize { get; }

    /// <summary>Reads a tokenizer.json.</summary>
    /// <exception cref="BeearException">The file is missing, damaged, or has a part of a kind that is not supported.</exception>
    public static Tokenizer Load(string tokenizerJsonPath)
    {
        if (!File.Exists(tokenizerJsonPath)) throw new BeearException($"'{tokenizerJsonPath}' does not exist; a tokenizer.json is needed.");
        return FromJson(File.ReadAllBytes(tokenizerJsonPath), tokenizerJsonPath);
    }

    /// <summary>Reads the content of a tokenizer.json.</summary>
    /// <param name="utf8">The content.</param>
    /// <param name="source">What errors call it.</param>
    public static Tokenizer FromJson(ReadOnlyMemory<byte> utf8, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new BeearException($"'{source}' is not a tokenizer file: it is not an object.");
            return new Tokenizer(new TokenizerFile(document.RootElement, source));
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{source}' is not JSON: {failure.Message}", failure);
        }
    }

    /// <summary>Encodes a text; the added tokens in it are recognised.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether the post-processor's tokens (such as the beginning of the text) are added.</param>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        if (addSpecialTokens) ids.AddRange(before);
        foreach (var (piece, token) in addedTokens.Divide(text))
        {
            if (token is not null)
            {
                ids.Add(token.Id);
                continue;
            }
            foreach (var preToken in preTokenizer.Divide(normalize(piece!))) encoder.Encode(preToken, ids);
        }
        if (addSpecialTokens) ids.AddRange(after);
        return [.. ids];
    }

    /// <summary>Encodes texts in parallel.</summary>
    public IReadOnlyList<int[]> EncodeBatch(IReadOnlyList<string> texts, bool addSpecialTokens = false)
    {
        var results = new int[texts.Count][];
        Parallel.For(0, texts.Count, i => results[i] = Encode(texts[i], addSpecialTokens));
        return results;
    }

    /// <summary>The text of ids. Bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="ids">Ids; those outside the vocabulary stand for nothing.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var bytes = new List<byte>(ids.Length * 4);
        foreach (int id in ids) AppendBytes(id, skipSpecialTokens, bytes);
        return Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
    }

    /// <summary>Starts decoding token by token.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public StreamingDecoder StartDecoding(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>The id of a token, written as in the vocabulary; null if there is none.</summary>
    public int? IdOf(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;

    /// <summary>The token of an id, written as in the vocabulary; empty if there is none.</summary>
    public string TokenOf(int id) => id >= 0 && id < tokens.Length ? tokens[id] ?? "" : "";

    /// <summary>Whether decoding may skip the token.</summary>
    public bool IsSpecial(int id) => id >= 0 && id < special.Length && special[id];

    internal void AppendBytes(int id, bool skipSpecialTokens, List<byte> bytes)
    {
        if (id < 0 || id >= tokens.Length || tokens[id] is not { } token || (skipSpecialTokens && special[id])) return;
        if (added[id]) bytes.AddRange(Encoding.UTF8.GetBytes(token));
        else ByteAlphabet.Decode(token, bytes);
    }
}
