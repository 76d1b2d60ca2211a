using System.Collections.Concurrent;

namespace Beear.Text.Tokenization;

/// <summary>
/// Byte-pair encoding of one pre-token: starts from characters and joins, again and again, the neighbours whose merge comes first.
/// </summary>
/// <remarks>
/// Microsoft.ML.Tokenizers' BpeTokenizer takes vocabulary and merges as files of text and knows neither <c>ignore_merges</c> nor
/// merges given as pairs with spaces in them, so the kernel is ours: a linked list of symbols and a queue of candidate merges,
/// n log n in the pre-token's length, with a cache of short pre-tokens.
/// </remarks>
internal sealed class BytePairEncoder
{
    private const int LongestCached = 64, MostCached = 1 << 17;

    private readonly Dictionary<string, int> vocabulary;
    private readonly Dictionary<(int Left, int Right), (int Rank, int Joined)> merges;
    private readonly bool ignoreMerges;
    private readonly int? unknown;
    private readonly ConcurrentDictionary<string, int[]> cache = new();

    /// <summary>Prepares the merges.</summary>
    /// <param name="vocabulary">Token → id.</param>
    /// <param name="merges">Pairs in their order.</param>
    /// <param name="ignoreMerges">Whether a pre-token that is itself a token is taken whole.</param>
    /// <param name="unknown">Id of characters that are not in the vocabulary; null drops them, as the reference does.</param>
    public BytePairEncoder(Dictionary<string, int> vocabulary, IEnumerable<(string Left, string Right)> merges, bool ignoreMerges, int? unknown)
    {
        this.vocabulary = vocabulary;
        this.ignoreMerges = ignoreMerges;
        this.unknown = unknown;
        this.merges = [];
        int rank = 0;
        foreach (var (left, right) in merges)
        {
            if (!vocabulary.TryGetValue(left, out int leftId) || !vocabulary.TryGetValue(right, out int rightId) || !vocabulary.TryGetValue(left + right, out int joined))
                throw new BeearException($"The tokenizer's merge '{left} {right}' joins tokens that are not in its vocabulary; the file is damaged.");
            this.merges.TryAdd((leftId, rightId), (rank++, joined));
        }
    }

    /// <summary>Appends the ids of a pre-token.</summary>
    public void Encode(string piece, List<int> ids)
    {
        if (piece.Length == 0) return;
        if (piece.Length > LongestCached)
        {
            ids.AddRange(Merge(piece));
            return;
        }
        if (!cache.TryGetValue(piece, out var known))
        {
            known = Merge(piece);
            if (cache.Count < MostCached) cache.TryAdd(piece, known);
        }
        ids.AddRange(known);
    }

    private int[] Merge(string piece)
    {
        if (ignoreMerges && vocabulary.TryGetValue(piece, out int whole)) return [whole];
        var (symbols, next, previous) = Split(piece);
        int count = symbols.Length;
        var queue = new PriorityQueue<(int Position, int Left, int Right), (int Rank, int Position)>();
        for (int i = 0; i + 1 < count; i++) Offer(i, i + 1);
        while (queue.TryDequeue(out var candidate, out _))
        {
            var (left, leftId, rightId) = candidate;
            int right = next[left];
            // A candidate is stale if one of its symbols has been joined since.
            if (symbols[left] != leftId || right < 0 || symbols[right] != rightId) continue;
            symbols[left] = merges[(leftId, rightId)].Joined;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[left] >= 0) previous[next[left]] = left;
            if (previous[left] >= 0) Offer(previous[left], left);
            if (next[left] >= 0) Offer(left, next[left]);
        }
        return [.. symbols.Where(symbol => symbol >= 0)];

        void Offer(int left, int right)
        {
            if (merges.TryGetValue((symbols[left], symbols[right]), out var merge)) queue.Enqueue((left, symbols[left], symbols[right]), (merge.Rank, left));
        }
    }

    private (int[] Symbols, int[] Next, int[] Previous) Split(string piece)
    {
        var symbols = new List<int>(piece.Length);
        for (int i = 0; i < piece.Length;)
        {
            int length = char.IsHighSurrogate(piece[i]) && i + 1 < piece.Length ? 2 : 1;
            if (vocabulary.TryGetValue(piece.Substring(i, length), out int id)) symbols.Add(id);
            else if (unknown is { } unknownId) symbols.Add(unknownId);
            i += length;
        }
        int count = symbols.Count;
        return ([.. symbols], [.. Enumerable.Range(1, count).Select(i => i < count ? i : -1)], [.. Enumerable.Range(-1, count)]);
    }
}
