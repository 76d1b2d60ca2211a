using System.Runtime.InteropServices;

namespace Beear.Text.Tokenization.Models;

/// <summary>
/// SentencePiece's unigram model: of all ways to cut a piece into tokens, the one with the highest sum of scores (Viterbi).
/// </summary>
internal sealed class Unigram : ITokenModel
{
    private const double UnknownPenalty = 10;

    private readonly (string Token, double Score)[] tokens;
    private readonly Dictionary<string, int> ids;
    private readonly Dictionary<(int Node, char Next), int> children = [];
    private readonly List<int> idOfNode = [-1];
    private readonly int? unknownId;
    private readonly double unknownScore;
    private readonly ByteTokens? bytes;
    private readonly PieceCache cache = new();
    private readonly PieceCache.Encoding encodePiece;

    /// <summary>Builds the trie of tokens.</summary>
    /// <param name="tokens">Token and score (log probability), by id.</param>
    /// <param name="unknownId">The id for characters outside the vocabulary.</param>
    /// <param name="byteFallback">Characters outside the vocabulary become the tokens of their bytes, where these exist.</param>
    /// <exception cref="BeearException">The unknown id is not one of the vocabulary.</exception>
    public Unigram((string Token, double Score)[] tokens, int? unknownId, bool byteFallback)
    {
        if (unknownId is { } unknown && (uint)unknown >= (uint)tokens.Length)
            throw new BeearException($"The tokenizer's \"unk_id\" is {unknown}, but its vocabulary has {tokens.Length} tokens; the "
                + "file is damaged.");
        (this.tokens, this.unknownId, encodePiece) = (tokens, unknownId, EncodePiece);
        ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            ids[tokens[id].Token] = id;
            Insert(tokens[id].Token, id);
        }
        unknownScore = tokens.Select(token => token.Score).DefaultIfEmpty().Min() - UnknownPenalty;
        bytes = byteFallback ? new ByteTokens(ids) : null;
    }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget) => cache.Encode(piece, ids, encodePiece, budget);

    private void Insert(string token, int id)
    {
        int node = 0;
        foreach (char next in token)
        {
            ref int child = ref CollectionsMarshal.GetValueRefOrAddDefault(children, (node, next), out bool exists);
            if (!exists)
            {
                child = idOfNode.Count;
                idOfNode.Add(-1);
            }
            node = child;
        }
        if (node > 0) idOfNode[node] = id;
    }

    private void EncodePiece(ReadOnlySpan<char> piece, List<int> output, EncodingBudget budget)
    {
        var best = FindBestPath(piece, budget);
        var cuts = new List<int>();
        for (int end = piece.Length; end > 0; end = best[end].Start)
        {
            // Neighbouring unknown characters are one token.
            bool isWithNext = cuts.Count > 0 && IsUnknown(best[end].Id) && IsUnknown(best[cuts[^1]].Id);
            if (isWithNext) best[cuts[^1]].Start = best[end].Start;
            else cuts.Add(end);
        }
        for (int i = cuts.Count - 1; i >= 0; i--) AppendToken(piece[best[cuts[i]].Start..cuts[i]], best[cuts[i]].Id, output);
    }

    /// <summary>For each end of a token the best token that ends there.</summary>
    private Step[] FindBestPath(ReadOnlySpan<char> piece, EncodingBudget budget)
    {
        var best = new Step[piece.Length + 1];
        Array.Fill(best, new Step(-1, 0, 0), 1, piece.Length);
        for (int start = 0, characterEnd; start < piece.Length; start = characterEnd)
        {
            characterEnd = start + (char.IsHighSurrogate(piece[start]) ? 2 : 1);
            bool hasCharacter = false;
            budget.CheckTime();
            for (int node = 0, end = start; end < piece.Length && children.TryGetValue((node, piece[end]), out node);)
            {
                end++;
                int id = idOfNode[node];
                if (id < 0) continue;
                Offer(ref best[end], id, best[start].Score + tokens[id].Score, start);
                hasCharacter |= end == characterEnd;
            }
            if (!hasCharacter) Offer(ref best[characterEnd], unknownId
                ?? throw UnknownToken.Missing("character"), best[start].Score + unknownScore, start);
        }
        return best;
    }

    private static void Offer(ref Step best, int id, double score, int start)
    {
        if (best.Id < 0 || score > best.Score) best = new Step(id, score, start);
    }

    private void AppendToken(ReadOnlySpan<char> text, int id, List<int> output)
    {
        if (!IsUnknown(id))
            output.Add(id);
        else if (ids.TryGetValue(text.ToString(), out int known))
            output.Add(known);
        else if (bytes?.TryAppend(text, output) != true)
            output.Add(id);
    }

    private bool IsUnknown(int id) => id == unknownId;

    /// <summary>The best token that ends at a place: its id (−1: none yet), the score up to its end, and where it starts.</summary>
    [StructLayout(LayoutKind.Auto)]
    private record struct Step(int Id, double Score, int Start);
}
