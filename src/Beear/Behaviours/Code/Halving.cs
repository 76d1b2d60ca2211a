namespace Beear.Behaviours.Code;

/// <summary>One process for many files, of which a hostile one may end it: then the others still get what is theirs.</summary>
internal static class Halving
{
    /// <summary>Code that ends no program.</summary>
    private static readonly string[] Harmless = ["x = 1\n"];

    /// <summary>Does the work on all snippets at once; where that fails, on each half.</summary>
    /// <param name="snippets">The snippets.</param>
    /// <param name="work">The work on a list: a result for each.</param>
    /// <param name="failed">The result of a snippet on which it fails by itself, from the failure's sentence.</param>
    /// <exception cref="BeearException">The work fails on harmless code too.</exception>
    public static IReadOnlyList<T> Run<T>(
        IReadOnlyList<string> snippets, Func<IReadOnlyList<string>, IReadOnlyList<T>> work, Func<string, T> failed)
    {
        if (snippets.Count == 0) return [];
        try
        {
            return work(snippets);
        }
        catch (BeearException failure)
        {
            work(Harmless);
            return Divide(snippets, work, failed, failure);
        }
    }

    private static IReadOnlyList<T> Divide<T>(IReadOnlyList<string> snippets, Func<IReadOnlyList<string>, IReadOnlyList<T>> work,
        Func<string, T> failed, BeearException failure)
    {
        if (snippets.Count == 1) return [failed(failure.Message)];
        int half = snippets.Count / 2;
        return [.. Try([.. snippets.Take(half)]), .. Try([.. snippets.Skip(half)])];

        IReadOnlyList<T> Try(string[] part)
        {
            try
            {
                return work(part);
            }
            catch (BeearException again)
            {
                return Divide(part, work, failed, again);
            }
        }
    }
}
