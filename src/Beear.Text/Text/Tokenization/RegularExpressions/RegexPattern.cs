using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>A regular expression of tokenizer.json (Oniguruma's syntax) that sees code points.</summary>
internal sealed class RegexPattern : ITextPattern
{
    private const int LongestPattern = 20_000;
    private static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromSeconds(2);

    private readonly string pattern;
    private readonly Alphabet alphabet;
    private readonly Regex regex;

    /// <summary>Translates a pattern.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="timeLimit">The longest time for a match; 2 s if not given.</param>
    /// <exception cref="BeearException">The pattern is malformed or uses something that is not supported.</exception>
    public RegexPattern(string pattern, TimeSpan? timeLimit = null)
    {
        if (pattern.Length > LongestPattern)
            throw new BeearException($"A regular expression of the tokenizer has {pattern.Length} characters; at most {LongestPattern} are "
                + "read.");
        this.pattern = pattern;
        var (expression, sets) = OnigurumaParser.Parse(pattern);
        alphabet = new Alphabet(sets);
        var written = new StringBuilder();
        foreach (char character in expression)
            if (character >= OnigurumaParser.FirstSet) written.Append(alphabet.ClassOf(character - OnigurumaParser.FirstSet));
            else written.Append(character);
        try
        {
            regex = new Regex(written.ToString(), RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, timeLimit
                ?? DefaultTimeLimit);
        }
        catch (ArgumentException error)
        {
            throw new BeearException($"The tokenizer's regular expression {pattern} can not be used: {error.Reason()}.", error);
        }
    }

    /// <inheritdoc/>
    public void FindMatches(ReadOnlySpan<char> text, List<TextSpan> matches, EncodingBudget budget)
    {
        if (text.IsEmpty) return; // as in the reference: not even an empty match
        char[] letters = ArrayPool<char>.Shared.Rent(text.Length);
        try
        {
            int[]? starts = text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0 ? null : new int[text.Length + 1];
            int count = Spell(text, letters, starts);
            int end = -1;
            foreach (var match in regex.EnumerateMatches(letters.AsSpan(0, count)))
            {
                if (match.Length == 0 && match.Index == end) continue; // an empty match right behind a match does not count
                budget.CheckTime();
                end = match.Index + match.Length;
                matches.Add(starts is null ? new TextSpan(match.Index, end) : new TextSpan(starts[match.Index], starts[end]));
            }
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new BeearException($"The tokenizer's regular expression {pattern} takes more than {regex.MatchTimeout.TotalSeconds} "
                + "s on this text.", error);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(letters);
        }
    }

    /// <summary>Writes the letter of each code point, and where it starts in the text (one entry more: the text's end).</summary>
    private int Spell(ReadOnlySpan<char> text, char[] letters, int[]? starts)
    {
        int count = 0;
        if (starts is null)
        {
            foreach (char character in text) letters[count++] = alphabet.Letter(character);
            return count;
        }
        int start = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            starts[count] = start;
            letters[count++] = alphabet.Letter(rune.Value);
            start += rune.Utf16SequenceLength;
        }
        starts[count] = start;
        return count;
    }
}
