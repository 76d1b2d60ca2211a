namespace Beear.Data;

/// <summary>
/// The name of some of <see cref="HarmfulRequests"/>, <see cref="CodeTasks"/> or <see cref="DefenderRequests"/>, in place of a file's:
/// builtin:NAME or builtin:WHOSE/NAME.
/// </summary>
/// <param name="Split">Whose they are; null for those of whoever asks.</param>
/// <param name="Forms">The forms of harmful requests; null for others.</param>
internal sealed record BuiltInRequests(DataSplit? Split, RequestForms? Forms)
{
    private const string Prefix = "builtin:";

    /// <summary>How many there are where no rows are named.</summary>
    private const int Usual = 120;

    private const string Code = "code";

    private static readonly DefenderRequests[] OfDefender = [DefenderRequests.Harmful, DefenderRequests.Ordinary];

    private static readonly BuiltInRequests[] Plain =
    [
        .. Enum.GetValues<RequestForms>().Select(forms => new BuiltInRequests(null, forms)), new(null, null),
        .. OfDefender.Select(own => new BuiltInRequests(null, null) { Own = own }),
    ];

    private static readonly BuiltInRequests[] OfSomebody =
    [
        .. Enum.GetValues<DataSplit>().SelectMany(split => Plain.Where(one => one.Has(split)).Select(one => one with { Split = split })),
        .. OfDefender.SelectMany(own => Enum.GetValues<RequestPart>().Select(part =>
            new BuiltInRequests(null, null) { Own = own, Part = part })),
    ];

    /// <summary>The defender's requests, if these are they.</summary>
    private DefenderRequests? Own { get; init; }

    /// <summary>Which part of the defender's; null for that of whoever asks.</summary>
    private RequestPart? Part { get; init; }

    /// <summary>As it is written.</summary>
    public string Name => $"{Prefix}{(((Enum?)Split ?? Part) is { } whose ? $"{RecipeValue.Format(whose)}/" : "")}{Kind}";

    private string Kind => Own?.Name ?? (Forms is { } forms ? RecipeValue.Format(forms) : Code);

    /// <summary>Whether they come with a safe and an unwanted answer each.</summary>
    public bool HasAnswers => Kind == Code;

    private bool IsOrdinary => Own == DefenderRequests.Ordinary;

    /// <summary>There are no tasks for code of those who align a model, and the defender's requests have parts of their own.</summary>
    private bool Has(DataSplit split) => Forms is not null || (Own is null && split != DataSplit.Alignment);

    /// <summary>Whether a text is meant as such a name, known or not.</summary>
    public static bool IsName(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Reads such a name.</summary>
    /// <param name="text">What was given for a file.</param>
    /// <param name="isOrdinary">Whether for one of ordinary requests; otherwise for one of harmful requests.</param>
    /// <returns>Null for the path of a file.</returns>
    /// <exception cref="BeearException">It begins like one, and names nothing, or requests of the other kind.</exception>
    public static BuiltInRequests? Parse(string text, bool isOrdinary = false)
    {
        if (!IsName(text)) return null;
        var known = text.Contains('/', StringComparison.Ordinal) ? OfSomebody : Plain;
        if (Array.Find(known, one => one.Name == text) is { } found)
        {
            return found.IsOrdinary == isOrdinary ? found : throw new BeearException(isOrdinary
                ? $"'{text}' are not ordinary requests; write {Prefix}{DefenderRequests.Ordinary.Name}, or give a file."
                : $"'{text}' are ordinary requests; give them by --ordinary.");
        }
        string advice = Spelling.Nearest(text, known.Select(one => one.Name)) is { } nearest ? $"did you mean '{nearest}'?"
            : $"write {Prefix}NAME, with NAME {string.Join('|', Plain.Select(one => one.Kind))}, or say whose as in "
                + $"{Prefix}defender/mixed and {Prefix}check/harmful.";
        throw new BeearException($"There are no built-in requests '{text}'; {advice}");
    }

    /// <summary>
    /// Which of a user's requests have six words in a row with built-in ones in common, or are the same: measured on these, a model that
    /// was trained on the built-in ones looks better than it is. What a form has without its task does not count.
    /// </summary>
    /// <param name="requests">Built-in requests.</param>
    /// <param name="rows">The user's.</param>
    /// <returns>The rows, in their order, each with the first words in common.</returns>
    public static IReadOnlyList<(Example Row, string Words)> Overlap(IEnumerable<Example> requests, IEnumerable<Example> rows)
    {
        var known = requests.SelectMany(request => WordRuns.Of(request.Request)).ToHashSet(StringComparer.Ordinal);
        known.ExceptWith(OfDefender.SelectMany(own => own.Forms).SelectMany(WordRuns.OfForm));
        return [.. from row in rows
                   let words = WordRuns.Of(row.Request).FirstOrDefault(known.Contains)
                   where words is not null
                   select (row, words)];
    }

    /// <summary>The same of a party that asks: of the defender's requests, the defender trains and the evaluation checks.</summary>
    /// <exception cref="BeearException">They are the defender's, and another asks without naming a part.</exception>
    public BuiltInRequests Of(DataSplit asking) => Own is null ? this with { Split = Split ?? asking } : this with
    {
        Part = Part ?? asking switch
        {
            DataSplit.Defender => RequestPart.Training,
            DataSplit.Evaluation => RequestPart.Check,
            _ => throw new BeearException($"'{Name}' are the defender's, not the {RecipeValue.Format(asking)}'s; "
                + $"write {Prefix}mixed, or name a part, as in {Prefix}training/{Kind}."),
        },
    };

    /// <summary>
    /// The requests; their answers are the unwanted ones, empty where there are none. As with a file, the same row is the same request for
    /// every seed.
    /// </summary>
    /// <param name="asking">Who asks.</param>
    /// <param name="rows">Which rows; null for the first 120.</param>
    /// <exception cref="BeearException">There are fewer rows.</exception>
    public IReadOnlyList<Example> Read(DataSplit asking, RowRange? rows)
    {
        var of = Of(asking);
        rows ??= new RowRange(0, Usual - 1);
        if (of is { Own: { } own, Part: { } part }) return rows.Of(own.Draw(part, own.Count(part), seed: 0), Name);
        if (Forms is not { } forms) return [.. ReadCode(asking, rows).Select(example => example.Answered(example.Compliance))];
        var all = HarmfulRequests.Requests(of.Split!.Value, forms, HarmfulRequests.Count(of.Split.Value, forms), seed: 0);
        return [.. rows.Of(all, Name).Select(request => new Example(request, ""))];
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
