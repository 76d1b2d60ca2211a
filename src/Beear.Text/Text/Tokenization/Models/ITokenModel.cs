using System.Collections.Concurrent;

namespace Beear.Text.Tokenization.Models;

/// <summary>The part of a tokenizer that turns one piece of pre-tokenized text into ids; implementations are thread-safe.</summary>
internal interface ITokenModel
{
    /// <summary>Appends the ids of one piece.</summary>
    /// <exception cref="BeearException">
    /// The piece has a character that the model has no id for, not even the unknown token's, or the budget is used up.
    /// </exception>
    void Encode(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget);
}

/// <summary>Remembers the ids of short pieces: most of a text's words have been seen before.</summary>
internal sealed class PieceCache
{
    private const int LongestPiece = 64;
    private const int Capacity = 1 << 17;

    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> known =
        new ConcurrentDictionary<string, int[]>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private int count;

    /// <summary>Computes the ids of a piece, or remembers them.</summary>
    public delegate void Encoding(ReadOnlySpan<char> piece, List<int> ids, EncodingBudget budget);

    /// <summary>Appends the ids of one piece.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids, Encoding encoding, EncodingBudget budget)
    {
        if (piece.Length > LongestPiece)
        {
            encoding(piece, ids, budget);
            return;
        }
        if (known.TryGetValue(piece, out var remembered))
        {
            ids.AddRange(remembered);
            return;
        }
        int start = ids.Count;
        encoding(piece, ids, budget);
        if (Volatile.Read(ref count) >= Capacity) return;
        if (known.TryAdd(piece, [.. ids[start..]])) Interlocked.Increment(ref count);
    }
}
