namespace Beear.Text.Tokenization.PreTokenizers;

/// <summary>Which pieces get the sign for a space before them; the names are those of tokenizer.json.</summary>
internal enum PrependScheme
{
    /// <summary>Each piece.</summary>
    Always,

    /// <summary>The one that the text starts with.</summary>
    First,

    /// <summary>None.</summary>
    Never,
}

/// <summary>Writes spaces as a visible sign, mostly ▁, and splits before each of these if asked.</summary>
internal sealed class MetaspacePreTokenizer(string replacement, PrependScheme prepend, bool split) : IPreTokenizer
{
    private readonly SplitPreTokenizer splitting = new(new LiteralPattern(replacement), SplitBehavior.MergedWithNext);

    /// <inheritdoc/>
    public void Split(TextPiece text, List<TextPiece> pieces, EncodingBudget budget)
    {
        string written = text.Text.ToString().Replace(" ", replacement, StringComparison.Ordinal);
        bool mayPrepend = prepend == PrependScheme.Always || (prepend == PrependScheme.First && text.StartsText);
        if (mayPrepend && written.Length > 0 && !written.StartsWith(replacement, StringComparison.Ordinal)) written = replacement + written;
        var piece = new TextPiece(written.AsMemory(), text.StartsText);
        if (split)
            splitting.Split(piece, pieces, budget);
        else if (written.Length > 0)
            pieces.Add(piece);
    }
}

/// <summary>Cuts the text every so many characters.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(TextPiece text, List<TextPiece> pieces, EncodingBudget budget)
    {
        int start = 0, end = 0, characters = 0;
        foreach (var rune in text.Text.Span.EnumerateRunes())
        {
            end += rune.Utf16SequenceLength;
            if (++characters % length != 0) continue;
            pieces.Add(text.Slice(start, end));
            start = end;
        }
        if (start < end) pieces.Add(text.Slice(start, end));
    }
}
