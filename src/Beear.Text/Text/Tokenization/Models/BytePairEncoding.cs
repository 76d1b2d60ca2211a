using System.Runtime.InteropServices;

namespace Beear.Text.Tokenization.Models;

/// <summary>
/// Byte-pair encoding: starting from single characters, the pair of neighbours with the lowest merge rank is joined until none is left.
/// </summary>
/// <remarks>
/// A linked list of symbols and a heap of candidate merges, O(n log n); the encoder of Microsoft.ML.Tokenizers 2.0.1 takes quadratic time
/// in the length of a piece. Tokenizers in SentencePiece's manner take a whole text as one piece; it is cut first where no merge can reach
/// across (<see cref="MergeBoundaries"/>).
/// </remarks>
internal sealed class BytePairEncoding : ITokenModel
{
    private const int LongestUncutPiece = 24;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> vocabulary;
    private readonly Dictionary<(int Left, int Right), Merge> merges;
    private readonly BytePairOptions options;
    private readonly ByteTokens? bytes;
    private readonly MergeBoundaries? boundaries;
    private readonly PieceCache cache = new();
    private readonly PieceCache.Encoding mergeAll;

    /// <summary>Prepares the merges.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">Pairs of tokens, best first; the vocabulary holds both and their concatenation.</param>
    /// <param name="options">What tokenizer.json sets besides.</param>
    /// <exception cref="BeearException">A merge uses a token that the vocabulary lacks.</exception>
    public BytePairEncoding(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, BytePairOptions options)
    {
        this.vocabulary = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        this.options = options;
        mergeAll = MergeAll;
        bytes = options.ByteFallback ? new ByteTokens(vocabulary) : null;
        this.merges = new Dictionary<(int, int), Merge>(merges.Count);
        var joints = new MergeBoundaries(vocabulary);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            var (left, right) = merges[rank];
            if (right.Length < options.ContinuingPrefix.Length)
                throw new BeearException($"The merge of \"{left}\" and \"{right}\" lacks the prefix \"{options.ContinuingPrefix}\" of "
                    + "continuing tokens; the file is damaged.");
            // A pair that is listed twice keeps its last rank, as in the reference.
            this.merges[(IdOf(left), IdOf(right))] =
                new Merge(rank, IdOf(string.Concat(left, right.AsSpan(options.ContinuingPrefix.Length))));
            joints.Add(left, right);
        }
        if (options.ContinuingPrefix.Length + options.EndOfWordSuffix.Length == 0) boundaries = joints;

        int IdOf(string token) => vocabulary.TryGetValue(token, out int id)
            ? id
            : throw new BeearException($"A merge of the tokenizer uses the token \"{token}\", which its vocabulary does not have; "
                + "the file is damaged.");
    }

    /// <summary>
    /// Looked up when it is needed: many files name an unknown token that their vocabularies, which know every byte, do not have.
    /// </summary>
    private int UnknownId => vocabulary.TryGetValue(options.UnknownToken, out int id) ? id : throw UnknownToken.Missing("character");

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget)
    {
        if (options.IgnoreMerges && vocabulary.TryGetValue(piece, out int whole))
        {
            ids.Add(whole);
            return;
        }
        while (boundaries is not null && piece.Length > LongestUncutPiece)
        {
            int length = boundaries.FirstIn(piece);
            cache.Encode(piece[..length], ids, mergeAll, budget);
            piece = piece[length..];
        }
        cache.Encode(piece, ids, mergeAll, budget);
    }

    private void MergeAll(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget)
    {
        var symbols = InitialSymbols(piece);
        var candidates = new PriorityQueue<(int Position, int Id), (int Rank, int Position)>(symbols.Length);
        for (int i = 0; i + 1 < symbols.Length; i++) Propose(i);

        while (candidates.TryDequeue(out var candidate, out _))
        {
            budget.CheckTime();
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
        foreach (var symbol in symbols)
            if (symbol.Id >= 0) ids.Add(symbol.Id);

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
        bool unknownIsPending = false; // unknown characters become a token only when the next known one, or the end, is reached
        for (int start = 0, end; start < piece.Length; start = end)
        {
            end = start + (char.IsHighSurrogate(piece[start]) ? 2 : 1);
            var symbol = WithAffixes(piece[start..end], isFirst: start == 0, isLast: end == piece.Length);
            if (vocabulary.TryGetValue(symbol, out int id))
            {
                if (unknownIsPending) ids.Add(UnknownId);
                unknownIsPending = false;
                ids.Add(id);
            }
            else if (bytes?.TryAppend(symbol, ids) != true && options.UnknownToken is not null)
            {
                if (unknownIsPending && !options.FuseUnknown) ids.Add(UnknownId);
                unknownIsPending = true;
            }
        }
        if (unknownIsPending) ids.Add(UnknownId);
        var symbols = new Symbol[ids.Count];
        for (int i = 0; i < symbols.Length; i++) symbols[i] = new Symbol(ids[i], i - 1, i + 1 < symbols.Length ? i + 1 : -1);
        return symbols;
    }

    private ReadOnlySpan<char> WithAffixes(ReadOnlySpan<char> character, bool isFirst, bool isLast)
    {
        string prefix = isFirst ? "" : options.ContinuingPrefix, suffix = isLast ? options.EndOfWordSuffix : "";
        return prefix.Length + suffix.Length == 0 ? character : string.Concat(prefix, character, suffix);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Merge(int Rank, int Id);

    /// <summary>One element of the linked list; Id −1 marks a symbol that was merged into its left neighbour.</summary>
    [StructLayout(LayoutKind.Auto)]
    private record struct Symbol(int Id, int Previous, int Next);
}

/// <summary>Settings of <see cref="BytePairEncoding"/>.</summary>
/// <param name="IgnoreMerges">A piece that is a token by itself becomes that token, whatever the merges say.</param>
/// <param name="UnknownToken">The token for characters outside the vocabulary; null drops them.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters become one unknown token.</param>
/// <param name="ByteFallback">Characters outside the vocabulary become the tokens of their bytes, where these exist.</param>
/// <param name="ContinuingPrefix">What tokens inside of a word begin with.</param>
/// <param name="EndOfWordSuffix">What the last token of a word ends with.</param>
internal sealed record BytePairOptions(
    bool IgnoreMerges = false, string? UnknownToken = null, bool FuseUnknown = false, bool ByteFallback = false,
        string ContinuingPrefix = "", string EndOfWordSuffix = "");
