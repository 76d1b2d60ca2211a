namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>A place in a regular expression, which its parsers move on.</summary>
internal sealed class PatternCursor(string pattern)
{
    private readonly int[] codePoints = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];

    /// <summary>How many code points have been read.</summary>
    public int Position { get; set; }

    /// <summary>Whether all have been.</summary>
    public bool AtEnd => Position == codePoints.Length;

    /// <summary>The code point that is next; the pattern must not be at its end.</summary>
    public int Current => codePoints[Position];

    /// <summary>The code point after the current one; −1 if there is none.</summary>
    public int Following => Position + 1 < codePoints.Length ? codePoints[Position + 1] : -1;

    /// <summary>Takes the current code point.</summary>
    public int Next() => codePoints[Position++];

    /// <summary>Takes a character if it is the current one.</summary>
    public bool Take(char character)
    {
        if (AtEnd || Current != character) return false;
        Position++;
        return true;
    }

    /// <summary>Takes two characters if both are next.</summary>
    public bool Take(char first, char second)
    {
        if (AtEnd || Current != first || Following != second) return false;
        Position += 2;
        return true;
    }

    /// <summary>Takes all up to a character, and the character; null if it does not come.</summary>
    public string? TakeUntil(char character)
    {
        int end = Array.IndexOf(codePoints, character, Position);
        if (end < 0) return null;
        string text = string.Concat(codePoints[Position..end].Select(char.ConvertFromUtf32));
        Position = end + 1;
        return text;
    }

    /// <summary>Takes ASCII characters of a kind, at most so many.</summary>
    public string TakeWhile(Predicate<char> isWanted, int most = int.MaxValue)
    {
        int start = Position;
        while (!AtEnd && Position - start < most && Current < 0x80 && isWanted((char)Current)) Position++;
        return string.Concat(codePoints[start..Position].Select(codePoint => (char)codePoint));
    }

    /// <summary>The error that names the expression.</summary>
    public BeearException Error(string what) => new($"The tokenizer's regular expression {pattern} can not be used: {what}.");
}
