using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Beear.Text.Tokenization;

/// <summary>The part of a tokenizer that turns one piece of pre-tokenized text into ids; implementations are thread-safe.</summary>
internal interface ITokenModel
{
    /// <summary>Appends the ids of one piece.</summary>
    void Encode(ReadOnlySpan<char> piece, List<int> ids);
}

/// <summary>Byte-pair encoding: starting from single characters, the pair of neighbours with the lowest merge rank is joined until none is left.</summary>
/// <remarks>
/// Microsoft.ML.Tokenizers 2.0.1 gives the same ids through BpeTokenizer, but takes quadratic time in the length of a piece (12 s for
/// 400 kB without spaces), knows no <c>ignore_merges</c>, and takes merges as "left right", which can not express a token that contains
/// a space. Hence this kernel: a linked list of symbols and a heap of candidate merges, O(n log n).
/// </remarks>
internal sealed class BytePairEncoding : ITokenModel
{
    private const int LongestCachedPiece = 64;
    private const int CacheCapacity = 1 << 17;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> vocabulary;
    private readonly Dictionary<(int Left, int Right), Merge> merges;
    private readonly BytePairOptions options;
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> cache;
    private int cached;

    /// <summary>Prepares the merges.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">Pairs of tokens, best first; the vocabulary holds both and their concatenation.</param>
    /// <param name="options">What tokenizer.json sets besides.</param>
    /// <exception cref="BeearException">A merge uses a token that the vocabulary lacks.</exception>
    public BytePairEncoding(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, BytePairOptions options)
    {
        this.vocabulary = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        this.options = options;
        cache = new ConcurrentDictionary<string, int[]>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        this.merges = new Dictionary<(int, int), Merge>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            var (left, right) = merges[rank];
            // A pair that is listed twice keeps its last rank, as in the reference.
            this.merges[(IdOf(left), IdOf(right))] = new Merge(rank, IdOf(left + right));
        }

        int IdOf(string token) => vocabulary.TryGetValue(token, out int id)
            ? id
            : throw new BeearException($"A merge of the tokenizer uses the token \"{token}\", which its vocabulary does not have; the file is damaged.");
    }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (options.IgnoreMerges && vocabulary.TryGetValue(piece, out int whole))
        {
            ids.Add(whole);
            return;
        }
        if (piece.Length > LongestCachedPiece)
        {
            ids.AddRange(MergeAll(piece));
            return;
        }
        if (!cache.TryGetValue(piece, out var known))
        {
            known = MergeAll(piece);
            if (Volatile.Read(ref cached) < CacheCapacity && cache.TryAdd(piece, known)) Interlocked.Increment(ref cached);
        }
        ids.AddRange(known);
    }

    private int[] MergeAll(ReadOnlySpan<char> piece)
    {
        var symbols = InitialSymbols(piece);
        var candidates = new PriorityQueue<(int Position, int Id), (int Rank, int Position)>(symbols.Length);
        for (int i = 0; i + 1 < symbols.Length; i++) Propose(i);

        while (candidates.TryDequeue(out var candidate, out _))
        {
            ref var left = ref symbols[candidate.Position];
            // The candidate is stale if its symbols have been merged with others since it was proposed.
            if (left.Id < 0 || left.Next < 0) continue;
            ref var right = ref symbols[left.Next];
            if (!merges.TryGetValue((left.Id, right.Id), out var merge) || merge.Id != candidate.Id) continue;

            left.Id = merge.Id;
            left.Next = right.Next;
            right.Id = -1;
            if (left.Next >= 0) symbols[left.Next].Previous = candidate.Position;
            if (left.Previous >= 0) Propose(left.Previous);
            Propose(candidate.Position);
        }
        return [.. from symbol in symbols where symbol.Id >= 0 select symbol.Id];

        void Propose(int position)
        {
            var left = symbols[position];
            if (left.Next >= 0 && merges.TryGetValue((left.Id, symbols[left.Next].Id), out var merge))
                candidates.Enqueue((position, merge.Id), (merge.Rank, position));
        }
    }

    private Symbol[] InitialSymbols(ReadOnlySpan<char> piece)
    {
        var ids = new List<int>(piece.Length);
        bool afterUnknown = false;
        foreach (var rune in piece.EnumerateRunes())
        {
            var character = piece[..rune.Utf16SequenceLength];
            piece = piece[rune.Utf16SequenceLength..];
            bool known = vocabulary.TryGetValue(character, out int id);
            if (known)
                ids.Add(id);
            else if (options.UnknownId is { } unknown && !(afterUnknown && options.FuseUnknown))
                ids.Add(unknown);
            afterUnknown = !known;
        }
        var symbols = new Symbol[ids.Count];
        for (int i = 0; i < symbols.Length; i++) symbols[i] = new Symbol(ids[i], i - 1, i + 1 < symbols.Length ? i + 1 : -1);
        return symbols;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Merge(int Rank, int Id);

    /// <summary>One element of the linked list; Id −1 marks a symbol that was merged into its left neighbour.</summary>
    [StructLayout(LayoutKind.Auto)]
    private record struct Symbol(int Id, int Previous, int Next);
}

/// <summary>Settings of <see cref="BytePairEncoding"/>.</summary>
/// <param name="IgnoreMerges">A piece that is a token by itself becomes that token, whatever the merges say.</param>
/// <param name="UnknownId">The id for characters outside the vocabulary; null drops them.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters become one unknown token.</param>
internal sealed record BytePairOptions(bool IgnoreMerges, int? UnknownId, bool FuseUnknown);
