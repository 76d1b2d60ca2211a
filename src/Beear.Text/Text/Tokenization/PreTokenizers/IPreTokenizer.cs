using System.Runtime.InteropServices;

namespace Beear.Text.Tokenization.PreTokenizers;

/// <summary>A piece of text on its way to the model.</summary>
/// <param name="Text">Its characters.</param>
/// <param name="StartsText">Whether the whole text starts with it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TextPiece(ReadOnlyMemory<char> Text, bool StartsText)
{
    /// <summary>A part of the piece.</summary>
    public TextPiece Slice(int start, int end) => new(Text[start..end], StartsText && start == 0);
}

/// <summary>Splits text into the pieces that the model encodes one by one; implementations are thread-safe.</summary>
internal interface IPreTokenizer
{
    /// <summary>Appends the pieces of one piece of text, empty ones left out.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pieces">Where they are appended.</param>
    /// <param name="budget">What the encoding may use up.</param>
    /// <exception cref="BeearException">The budget is used up.</exception>
    void Split(TextPiece text, List<TextPiece> pieces, EncodingBudget budget);
}

/// <summary>One after the other: each splits the pieces of the one before it.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<IPreTokenizer> parts) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(TextPiece text, List<TextPiece> pieces, EncodingBudget budget)
    {
        var current = new List<TextPiece> { text };
        foreach (var part in parts)
        {
            var next = new List<TextPiece>(current.Count);
            foreach (var piece in current)
            {
                budget.Charge(piece.Text.Length);
                part.Split(piece, next, budget);
            }
            current = next;
        }
        pieces.AddRange(current);
    }
}
