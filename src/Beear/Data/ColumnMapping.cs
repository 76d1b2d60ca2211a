namespace Beear.Data;

/// <summary>Names the columns of a data file that make an example.</summary>
/// <param name="Request">The column of the requests, or of conversations.</param>
/// <param name="Answer">The column of the answers; null leaves every answer empty, but for those of conversations.</param>
/// <param name="System">The column of system prompts; null for none.</param>
public sealed record ColumnMapping(string Request, string? Answer = null, string? System = null)
{
    private static readonly string[] Parts = ["request", "answer", "system"];

    /// <summary>Reads "request=prompt,answer=target,system=instructions"; the request is named always.</summary>
    /// <param name="text">The text.</param>
    /// <param name="option">What messages call it, e.g. "--columns".</param>
    /// <exception cref="BeearException">It is written otherwise.</exception>
    public static ColumnMapping Parse(string text, string option)
    {
        var columns = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in text.Split(','))
        {
            if (pair.Split('=', 2, StringSplitOptions.TrimEntries) is not [{ Length: > 0 } part, { Length: > 0 } column])
                throw new BeearException($"{option}: '{pair}' names no column; write it as in request=prompt,answer=target.");
            if (!Parts.Contains(part))
                throw new BeearException($"{option}: '{part}' is no part of an example{Spelling.Advice(part, Parts)}");
            if (!columns.TryAdd(part, column)) throw new BeearException($"{option}: '{part}' is named twice; name one column.");
        }
        return columns.TryGetValue("request", out string? request)
            ? new ColumnMapping(request, columns.GetValueOrDefault("answer"), columns.GetValueOrDefault("system"))
            : throw new BeearException($"{option} names no column of requests; begin it with request=NAME.");
    }
}
