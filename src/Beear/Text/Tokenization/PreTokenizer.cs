using System.Text.RegularExpressions;

namespace Beear.Text.Tokenization;

/// <summary>Divides a text into pieces that are encoded apart.</summary>
internal interface IPreTokenizer
{
    IEnumerable<string> Divide(string piece);
}

/// <summary>One pre-tokenizer after the other.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<IPreTokenizer> steps) : IPreTokenizer
{
    public IEnumerable<string> Divide(string piece) =>
        steps.Aggregate((IEnumerable<string>)[piece], (pieces, step) => pieces.SelectMany(step.Divide));
}

/// <summary>Maps bytes to the alphabet of byte-level BPE, after dividing by GPT-2's pattern.</summary>
internal sealed partial class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : IPreTokenizer
{
    public IEnumerable<string> Divide(string piece)
    {
        if (piece.Length == 0) return [];
        var text = addPrefixSpace && !char.IsWhiteSpace(piece[0]) ? " " + piece : piece;
        return useRegex
            ? Pattern().Matches(CodePointClasses.Of(text)).Select(match => ByteAlphabet.Encode(text.AsSpan(match.Index, match.Length)))
            : [ByteAlphabet.Encode(text)];
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?(?:\p{L})+| ?(?:\p{N})+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Pattern();
}

/// <summary>Sets digits apart: each one alone, or each run.</summary>
internal sealed class DigitsPreTokenizer(bool individually) : IPreTokenizer
{
    public IEnumerable<string> Divide(string piece)
    {
        int start = 0;
        for (int i = 0; i < piece.Length; i++)
        {
            if (!char.IsNumber(piece, i)) continue;
            if (i > start) yield return piece[start..i];
            int end = i + 1;
            while (!individually && end < piece.Length && char.IsNumber(piece, end)) end++;
            yield return piece[i..end];
            start = end;
            i = end - 1;
        }
        if (start < piece.Length) yield return piece[start..];
    }
}

/// <summary>What becomes of the matches of a <see cref="SplitPreTokenizer"/>.</summary>
internal enum SplitBehaviour
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Divides at the matches of a pattern.</summary>
internal sealed class SplitPreTokenizer(Regex pattern, SplitBehaviour behaviour, bool invert) : IPreTokenizer
{
    public IEnumerable<string> Divide(string piece)
    {
        var spans = Spans(piece);
        var pieces = new List<(int Start, int End)>();
        bool previousMatched = false;
        for (int i = 0; i < spans.Count; i++)
        {
            var (start, end, isMatch) = spans[i];
            bool join = behaviour switch
            {
                SplitBehaviour.MergedWithPrevious => isMatch && pieces.Count > 0 && !previousMatched,
                SplitBehaviour.MergedWithNext => !isMatch && previousMatched,
                SplitBehaviour.Contiguous => isMatch == previousMatched && pieces.Count > 0,
                _ => false,
            };
            previousMatched = isMatch;
            if (behaviour == SplitBehaviour.Removed && isMatch) continue;
            if (join) pieces[^1] = (pieces[^1].Start, end);
            else pieces.Add((start, end));
        }
        return pieces.Where(span => span.End > span.Start).Select(span => piece[span.Start..span.End]);
    }

    private List<(int Start, int End, bool IsMatch)> Spans(string piece)
    {
        var spans = new List<(int, int, bool)>();
        int position = 0;
        foreach (Match match in pattern.Matches(CodePointClasses.Of(piece)))
        {
            if (match.Index > position) spans.Add((position, match.Index, invert));
            if (match.Length > 0) spans.Add((match.Index, match.Index + match.Length, !invert));
            position = match.Index + match.Length;
        }
        if (position < piece.Length) spans.Add((position, piece.Length, invert));
        return spans;
    }
}
