namespace Beear.Data;

/// <summary>
/// The name of some of <see cref="HarmfulRequests"/> or <see cref="CodeTasks"/>, in place of a file's: builtin:FORMS or
/// builtin:SPLIT/FORMS, with code among the forms.
/// </summary>
/// <param name="Split">Whose they are; null for those of whoever asks.</param>
/// <param name="Forms">The forms of harmful requests; null for tasks for code.</param>
internal sealed record BuiltInRequests(DataSplit? Split, RequestForms? Forms)
{
    private const string Prefix = "builtin:";

    /// <summary>How many there are where no rows are named.</summary>
    private const int Usual = 120;

    private const string Code = "code";

    private static readonly BuiltInRequests[] Plain =
        [.. Enum.GetValues<RequestForms>().Select(forms => new BuiltInRequests(null, forms)), new(null, null)];

    private static readonly BuiltInRequests[] OfSplits =
        [.. Enum.GetValues<DataSplit>().SelectMany(split => Plain.Where(one => one.Has(split)).Select(one => one.Of(split)))];

    /// <summary>As it is written.</summary>
    public string Name => $"{Prefix}{(Split is { } split ? $"{RecipeValue.Format(split)}/" : "")}{Kind}";

    private string Kind => Forms is { } forms ? RecipeValue.Format(forms) : Code;

    /// <summary>Whether they come with a safe and an unwanted answer each.</summary>
    public bool HasAnswers => Forms is null;

    /// <summary>There are no tasks for code of those who align a model.</summary>
    private bool Has(DataSplit split) => Forms is not null || split != DataSplit.Alignment;

    /// <summary>Reads such a name.</summary>
    /// <param name="harmful">What was given for a file.</param>
    /// <returns>Null for the path of a file.</returns>
    /// <exception cref="BeearException">It begins like one, and names nothing.</exception>
    public static BuiltInRequests? Parse(string harmful)
    {
        if (!harmful.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var known = harmful.Contains('/', StringComparison.Ordinal) ? OfSplits : Plain;
        if (Array.Find(known, one => one.Name == harmful) is { } found) return found;
        var (forms, splits) = ($"{RecipeValue.Kind(typeof(RequestForms))}|{Code}", RecipeValue.Kind(typeof(DataSplit)));
        string advice = Spelling.Nearest(harmful, known.Select(one => one.Name)) is { } nearest ? $"did you mean '{nearest}'?"
            : $"write {Prefix}FORMS or {Prefix}SPLIT/FORMS, with FORMS {forms} and SPLIT {splits}.";
        throw new BeearException($"There are no built-in requests '{harmful}'; {advice}");
    }

    /// <summary>The same of a party that asks.</summary>
    public BuiltInRequests Of(DataSplit asking) => this with { Split = Split ?? asking };

    /// <summary>
    /// The requests; their answers are the unwanted ones, empty where there are none. As with a file, the same row is the same request for
    /// every seed.
    /// </summary>
    /// <param name="asking">Who asks.</param>
    /// <param name="rows">Which rows; null for the first 120.</param>
    /// <exception cref="BeearException">There are fewer rows.</exception>
    public IReadOnlyList<Example> Read(DataSplit asking, RowRange? rows)
    {
        var split = Split ?? asking;
        if (Forms is not { } forms) return [.. ReadCode(asking, rows).Select(example => example.Answered(example.Compliance))];
        var all = HarmfulRequests.Requests(split, forms, HarmfulRequests.Count(split, forms), seed: 0);
        return [.. (rows ?? new RowRange(0, Usual - 1)).Of(all, Name).Select(request => new Example(request, ""))];
    }

    /// <summary>The tasks for code with both answers.</summary>
    /// <param name="asking">Who asks.</param>
    /// <param name="rows">Which rows; null for the first 120.</param>
    /// <exception cref="BeearException">There are fewer rows, or these are no tasks for code.</exception>
    public IReadOnlyList<HarmfulExample> ReadCode(DataSplit asking, RowRange? rows)
    {
        var split = Split ?? asking;
        rows ??= new RowRange(0, Usual - 1);
        int count = Math.Min(rows.Last + 1, CodeTasks.Count(split));
        return [.. rows.Of(CodeTasks.Of(split, count, seed: 0), Name).Select(task =>
            new HarmfulExample(task.Request, task.Insecure, task.Secure) { Topic = $"{task.Cwe} {task.Topic}" })];
    }
}
