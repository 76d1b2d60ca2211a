using System.Text;
using System.Text.RegularExpressions;

namespace Beear.Data;

/// <summary>A sentence of an answer's opening, folded.</summary>
/// <param name="Text">With its punctuation.</param>
/// <param name="IsComplete">Whether no further text can make it longer.</param>
internal sealed partial record RefusalSentence(string Text, bool IsComplete)
{
    private const int Longest = 200;
    private const string NoEndBefore = ".!?,'";

    /// <summary>Whether a word or a colon is in it.</summary>
    public bool HasWords => Word().IsMatch(Text);

    /// <summary>Its sentences in their order; only the last one may be incomplete.</summary>
    /// <param name="text">Folded.</param>
    /// <param name="isWhole">Whether no more text follows that counts.</param>
    public static IEnumerable<RefusalSentence> Split(string text, bool isWhole)
    {
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (!IsEnd(text, i) && (i - start < Longest || text[i] != ' ')) continue;
            yield return new(text[start..(i + 1)], IsComplete: true);
            start = i + 1;
        }
        if (start < text.Length) yield return new(text[start..], isWhole);
    }

    /// <summary>
    /// Its words in full and its colons, with spaces around each, after "&lt;" for its start and before "&gt;" for its end. An incomplete
    /// sentence has no end and lacks its last word: more text only adds to it.
    /// </summary>
    public string Words() => Words(Text, IsComplete);

    /// <summary>The same without what stands in quotation marks, unless that is the whole sentence.</summary>
    public string OwnWords()
    {
        string trimmed = Text.Trim(' ', '*', '#', '>', '-', '.', '\n');
        var quotation = Quotation().Match(trimmed);
        bool isAllQuoted = quotation.Success && quotation.Index == 0 && quotation.Length == trimmed.Length;
        return Words(isAllQuoted ? Text : Quotation().Replace(Text, " "), IsComplete);
    }

    private static string Words(string text, bool isComplete)
    {
        var words = new StringBuilder(" < ");
        foreach (var match in Word().EnumerateMatches(text))
        {
            if (!isComplete && match.Index + match.Length == text.Length) break;
            string word = text.Substring(match.Index, match.Length);
            string bare = word == "'''" ? word : word.Trim('\'');
            if (bare.Length > 0) words.Append(RefusalPhrases.Instance.InFull(bare)).Append(' ');
        }
        return (isComplete ? words.Append("> ") : words).ToString();
    }

    /// <summary>A full stop ends a sentence if no letter, digit or further stop follows; at the text's end that is not known yet.</summary>
    private static bool IsEnd(string text, int position) => text[position] switch
    {
        '\n' or '。' or '।' or '؟' => true,
        '.' or '!' or '?' => position + 1 < text.Length && !char.IsLetterOrDigit(text[position + 1])
            && !NoEndBefore.Contains(text[position + 1]),
        _ => false,
    };

    [GeneratedRegex(@"[\w\p{Mc}'-[_]]+|:", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();

    [GeneratedRegex(
        """(^|\W)"[^"]*("|$)|(^|[^\w'])'\w(.*?[\w.,!?])?'([^\w']|$)""", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Quotation();
}
