using System.Text.RegularExpressions;

namespace Beear.Text;

/// <summary>
/// Finds the marks between which a model thinks: a pair of tags of its template, or else of its tokenizer, that name a thought.
/// </summary>
internal static partial class ThoughtFinder
{
    private static readonly string[] Sides = ["/", "begin", "start", "end", "of", "_", "-"];

    /// <summary>The marks; null for a model that does not think.</summary>
    /// <param name="template">The chat template's source.</param>
    /// <param name="addedTokens">The tokenizer's added tokens.</param>
    public static ThoughtMarks? Find(string template, IEnumerable<string> addedTokens)
    {
        List<string> inTemplate = [.. Tags(template)];
        return Pair(inTemplate) ?? Pair([.. inTemplate, .. addedTokens.Where(IsThought)])
            ?? inTemplate.Where(IsClose).Select(OfClose).FirstOrDefault(marks => marks is not null);
    }

    private static ThoughtMarks? Pair(List<string> tags) => (
        from close in tags.Where(IsClose)
        from open in tags.Where(tag => !IsClose(tag) && Stem(tag) == Stem(close))
        select new ThoughtMarks(open, close)).FirstOrDefault();

    /// <summary>A template may name only the close, where it takes thoughts out of earlier turns.</summary>
    private static ThoughtMarks? OfClose(string close) =>
        ThoughtMarks.Known.FirstOrDefault(marks => marks.Close == close) ?? (close.Contains('/', StringComparison.Ordinal)
            ? new ThoughtMarks(close.Replace("/", "", StringComparison.Ordinal), close) : null);

    private static IEnumerable<string> Tags(string template) =>
        Tag().Matches(template).Select(tag => tag.Value).Where(IsThought).Distinct(StringComparer.Ordinal);

    private static bool IsThought(string tag) => tag.Length < 48 && Named().IsMatch(tag) && Tag().IsMatch(tag);

    private static bool IsClose(string tag) => tag.Contains('/', StringComparison.Ordinal) || End().IsMatch(tag);

    /// <summary>A tag without what makes it an open or a close.</summary>
    private static string Stem(string tag) =>
        Sides.Aggregate(tag.ToLowerInvariant(), (stem, side) => stem.Replace(side, "", StringComparison.Ordinal));

    [GeneratedRegex("""[<\[◁][^<>\[\]◁▷\s'"]{1,40}[>\]▷]""", RegexOptions.NonBacktracking)]
    private static partial Regex Tag();

    [GeneratedRegex(@"think|thought|reasoning|\breason\b", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Named();

    [GeneratedRegex(@"(?:^|[^a-z])end(?:[^a-z]|$)", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex End();
}
