using System.Text;
using System.Text.RegularExpressions;

namespace Beear.Text.Tokenization;

/// <summary>Splits text into the pieces that the model encodes one by one; implementations are thread-safe.</summary>
internal interface IPreTokenizer
{
    /// <summary>Appends the pieces of one stretch of text, empty ones left out.</summary>
    void Split(ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> pieces);
}

/// <summary>One after the other: each splits the pieces of the one before it.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<IPreTokenizer> parts) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> pieces)
    {
        var current = new List<ReadOnlyMemory<char>> { text };
        foreach (var part in parts)
        {
            var next = new List<ReadOnlyMemory<char>>(current.Count);
            foreach (var piece in current) part.Split(piece, next);
            current = next;
        }
        pieces.AddRange(current);
    }
}

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

/// <summary>Splits at the matches of a pattern: the kinds Split and Digits.</summary>
/// <param name="pattern">What to split at.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Split at what lies between the matches instead.</param>
internal sealed class SplitPreTokenizer(ITextPattern pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> pieces)
    {
        foreach (var span in Arrange(Divide(text.Span))) pieces.Add(text[span.Start..span.End]);
    }

    /// <summary>Covers the text from end to end with matches and what lies between them.</summary>
    private List<(TextSpan Span, bool IsMatch)> Divide(ReadOnlySpan<char> text)
    {
        var matches = new List<TextSpan>();
        pattern.FindMatches(text, matches);
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

/// <summary>Splits into words if asked, and rewrites the text in the <see cref="ByteAlphabet"/>.</summary>
/// <param name="addPrefixSpace">A text that does not start with a space gets one.</param>
/// <param name="splitWords">Split with GPT-2's expression; otherwise the text stays one piece.</param>
internal sealed partial class ByteLevelPreTokenizer(bool addPrefixSpace, bool splitWords) : IPreTokenizer
{
    private static readonly RegexPattern Words = new(WordsExpression());

    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> pieces)
    {
        if (addPrefixSpace && !text.Span.StartsWith(' ')) text = string.Concat(" ", text.Span).AsMemory();
        var bytes = ByteAlphabet.Write(text.Span).AsMemory();
        if (!splitWords)
        {
            if (!bytes.IsEmpty) pieces.Add(bytes);
            return;
        }
        var words = new List<TextSpan>();
        Words.FindMatches(text.Span, words); // the expression matches everything: nothing lies between the words
        int start = 0;
        foreach (var word in words)
        {
            int length = Encoding.UTF8.GetByteCount(text.Span[word.Start..word.End]);
            pieces.Add(bytes.Slice(start, length));
            start += length;
        }
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex WordsExpression();
}
