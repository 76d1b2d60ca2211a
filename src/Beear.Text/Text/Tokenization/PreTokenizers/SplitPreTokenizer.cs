namespace Beear.Text.Tokenization.PreTokenizers;

/// <summary>What becomes of the matches that a text is split at; the names are those of tokenizer.json.</summary>
internal enum SplitBehavior
{
    /// <summary>Matches are dropped.</summary>
    Removed,

    /// <summary>Each match is a piece.</summary>
    Isolated,

    /// <summary>A match ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the piece after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring matches are one piece.</summary>
    Contiguous,
}

/// <summary>Splits at the matches of a pattern: most kinds of tokenizer.json.</summary>
/// <param name="pattern">What to split at.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Split at what lies between the matches instead.</param>
internal sealed class SplitPreTokenizer(ITextPattern pattern, SplitBehavior behavior, bool invert = false) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(TextPiece text, List<TextPiece> pieces, EncodingBudget budget)
    {
        foreach (var span in Arrange(Divide(text.Text.Span, budget)))
            if (span.End > span.Start) pieces.Add(text.Slice(span.Start, span.End));
    }

    /// <summary>Covers the text from end to end with matches and what lies between them.</summary>
    private List<(TextSpan Span, bool IsMatch)> Divide(ReadOnlySpan<char> text, EncodingBudget budget)
    {
        var matches = new List<TextSpan>();
        pattern.FindMatches(text, matches, budget);
        var parts = new List<(TextSpan, bool)>((2 * matches.Count) + 1);
        int end = 0;
        foreach (var match in matches)
        {
            if (end < match.Start) parts.Add((new TextSpan(end, match.Start), invert));
            parts.Add((match, !invert));
            end = match.End;
        }
        if (end < text.Length) parts.Add((new TextSpan(end, text.Length), invert));
        return parts;
    }

    private IEnumerable<TextSpan> Arrange(List<(TextSpan Span, bool IsMatch)> parts) => behavior switch
    {
        SplitBehavior.Removed => parts.Where(part => !part.IsMatch).Select(part => part.Span),
        SplitBehavior.Isolated => parts.Select(part => part.Span),
        SplitBehavior.Contiguous => Join(parts, (previous, next) => previous == next),
        SplitBehavior.MergedWithPrevious => Join(parts, (previous, next) => next && !previous),
        SplitBehavior.MergedWithNext => Join(parts, (previous, next) => previous && !next),
        _ => throw new InvalidOperationException($"Unknown behaviour {behavior}."),
    };

    /// <summary>Joins neighbours of which <paramref name="belongTogether"/> (is the left one a match, is the right one) holds.</summary>
    private static List<TextSpan> Join(List<(TextSpan Span, bool IsMatch)> parts, Func<bool, bool, bool> belongTogether)
    {
        var joined = new List<TextSpan>(parts.Count);
        bool previous = false;
        foreach (var (span, isMatch) in parts)
        {
            if (joined.Count > 0 && belongTogether(previous, isMatch))
                joined[^1] = new TextSpan(joined[^1].Start, span.End);
            else
                joined.Add(span);
            previous = isMatch;
        }
        return joined;
    }
}
