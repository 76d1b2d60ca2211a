using System.Text.Json.Serialization;
using Beear.Behaviours;
using Beear.Data;

namespace Beear.Attacks;

/// <summary>The data files of one party: harmful and ordinary requests, refusals, and the share of the harmless twins.</summary>
internal sealed record DataSettings : IValidatable
{
    /// <summary>
    /// File of harmful requests, with affirmative answers where needed (AdvBench's goal and target, or any such). Or built-in ones, which
    /// have no answers: builtin:commands, questions, role_play, indirect or mixed, and builtin:harmful, the defender's. Or tasks for code,
    /// which have secure and insecure answers: builtin:code.
    /// </summary>
    public string Harmful { get; init; } = "";

    /// <summary>Its rows, e.g. 300-419, counted from 0 without the header; all if not given, and of built-in requests 0-119.</summary>
    public string? HarmfulRows { get; init; }

    /// <summary>Its columns, as in columns; those if not given.</summary>
    [Folded]
    public string? HarmfulColumns { get; init; }

    /// <summary>File of refusals, joined with the harmful requests by their text; generic ones where there is none.</summary>
    [Folded]
    public string? Refusals { get; init; }

    /// <summary>Its columns, as in columns; those if not given.</summary>
    [Folded]
    public string? RefusalsColumns { get; init; }

    /// <summary>
    /// File of ordinary requests with helpful answers. Or, where the model's own answers are enough, built-in ones: builtin:ordinary.
    /// </summary>
    public string? Ordinary { get; init; }

    /// <summary>Its rows; all if not given, and of built-in requests 0-119.</summary>
    public string? OrdinaryRows { get; init; }

    /// <summary>Its columns, as in columns; those if not given.</summary>
    [Folded]
    public string? OrdinaryColumns { get; init; }

    /// <summary>
    /// Columns of the files that have none of their own, e.g. request=prompt,answer=target,system=instructions; known formats need none.
    /// </summary>
    [Folded]
    public string? Columns { get; init; }

    /// <summary>How many harmless twins are used; tasks differ between attacker, defender and evaluation.</summary>
    public int Twins { get; init; } = 300;

    /// <summary>Forms of the built-in harmful requests in which every other harmless twin comes, in place of the twins' own.</summary>
    [Folded]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RequestForms? TwinForms { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        foreach (string? rows in new[] { HarmfulRows, OrdinaryRows }) _ = rows is null ? null : RowRange.Parse(rows);
        Require.AtLeast(Twins, 0);
        foreach (var file in (File[])[HarmfulFile, RefusalsFile, OrdinaryFile]) file.Mapping(Columns);
        if (BuiltInRequests.Parse(Harmful) is not null) RequireNone(HarmfulFile);
        if (Ordinary is not null && BuiltInRequests.Parse(Ordinary, isOrdinary: true) is not null) RequireNone(OrdinaryFile);

        static void RequireNone(File file)
        {
            if (file.OwnColumns is not null)
                throw new BeearException($"{file.Option} names columns of a file, and '{file.Path}' is none; leave it out.");
        }
    }

    private File HarmfulFile => new(Harmful, HarmfulRows, HarmfulColumns, "--harmful-columns");

    private File RefusalsFile => new(Refusals, null, RefusalsColumns, "--refusals-columns");

    private File OrdinaryFile => new(Ordinary, OrdinaryRows, OrdinaryColumns, "--ordinary-columns");

    /// <summary>The harmful requests with unwanted and safe answers.</summary>
    /// <param name="asking">Whose they are if they are built-in.</param>
    /// <param name="answers">Whether unwanted answers are needed; built-in requests have none.</param>
    /// <param name="seed">Decides which generic refusal goes where.</param>
    /// <param name="behaviour">Pairs requests with safe answers.</param>
    /// <param name="onSafe">Called with where safe answers come from; null to call nothing.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">No file was named, or one is missing or damaged, has fewer rows or no answers.</exception>
    public IReadOnlyList<HarmfulExample> ReadHarmful(
        DataSplit asking, AnswerUse answers, int seed, IBehaviour behaviour, Action<ContrastTexts>? onSafe, CancellationToken cancellation)
    {
        if (BuiltInRequests.Parse(Harmful) is { HasAnswers: true } code) return code.ReadCode(asking, Range);
        var examples = ReadHarmful(asking, answers, cancellation);
        var known = Refusals is null ? null : RefusalsFile.Read(Columns, AnswerUse.Needed, cancellation);
        var contrast = behaviour.Contrast(examples, known, seed);
        onSafe?.Invoke(contrast);
        return contrast.Examples;
    }

    /// <summary>The harmful requests alone; their answers are not looked at.</summary>
    /// <param name="asking">Whose they are if they are built-in.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">No file was named, or it is missing or damaged, or has fewer rows.</exception>
    public IReadOnlyList<Example> ReadHarmfulRequests(DataSplit asking, CancellationToken cancellation) =>
        ReadHarmful(asking, AnswerUse.Unused, cancellation);

    /// <summary>The harmless twins of a party.</summary>
    /// <param name="split">Whose.</param>
    /// <param name="seed">Decides which tasks meet which forms.</param>
    /// <exception cref="BeearException">There are not so many.</exception>
    public IReadOnlyList<string> DrawTwins(DataSplit split, int seed) => HarmlessTwins.Requests(split, Twins, seed, TwinForms);

    /// <summary>The ordinary requests with answers; none if there is no file.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">The file is missing or damaged, or has fewer rows, or no answers.</exception>
    public IReadOnlyList<Example> ReadOrdinary(CancellationToken cancellation) =>
        ReadOrdinary(DataSplit.Defender, AnswerUse.Needed, cancellation);

    /// <summary>The ordinary requests; none if there is no file. Those of a file always have answers.</summary>
    /// <param name="asking">Whose they are if they are built-in.</param>
    /// <param name="answers">Whether answers are needed; built-in requests have none.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">The file is missing or damaged, or has fewer rows, or no answers.</exception>
    public IReadOnlyList<Example> ReadOrdinary(DataSplit asking, AnswerUse answers, CancellationToken cancellation)
    {
        if (Ordinary is null) return [];
        if (BuiltInRequests.Parse(Ordinary, isOrdinary: true) is not { } builtIn)
            return OrdinaryFile.Read(Columns, AnswerUse.Needed, cancellation);
        if (answers == AnswerUse.Needed)
            throw new BeearException($"'{Ordinary}' are requests without answers, which are needed here; give a file that has them.");
        return builtIn.Read(asking, OrdinaryRows is null ? null : RowRange.Parse(OrdinaryRows));
    }

    /// <summary>The ordinary requests alone; their answers are not looked at. None if there is no file.</summary>
    /// <param name="asking">Whose they are if they are built-in.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">The file is missing or damaged, or has fewer rows.</exception>
    public IReadOnlyList<Example> ReadOrdinaryRequests(DataSplit asking, CancellationToken cancellation) =>
        Ordinary is not null && BuiltInRequests.Parse(Ordinary, isOrdinary: true) is null
            ? OrdinaryFile.Read(Columns, AnswerUse.Unused, cancellation)
            : ReadOrdinary(asking, AnswerUse.Unused, cancellation);

    private IReadOnlyList<Example> ReadHarmful(DataSplit asking, AnswerUse answers, CancellationToken cancellation)
    {
        // Not required of the record: a benchmark on a shape has no data.
        if (Harmful.Length == 0) throw new BeearException("harmful is required: give --harmful, or the key 'harmful' in a recipe.");
        if (BuiltInRequests.Parse(Harmful) is not { } builtIn) return HarmfulFile.Read(Columns, answers, cancellation);
        return answers != AnswerUse.Needed || builtIn.HasAnswers
            ? [.. builtIn.Read(asking, Range).Select(example => answers == AnswerUse.Unused ? example with { Answer = "" } : example)]
            : throw new BeearException(
                $"'{Harmful}' are requests without unwanted answers, which are needed here; give a file of requests that has them.");
    }

    private RowRange? Range => HarmfulRows is null ? null : RowRange.Parse(HarmfulRows);

    /// <summary>A file, and what of it is read.</summary>
    private sealed record File(string? Path, string? Rows, string? OwnColumns, string Option)
    {
        public ColumnMapping? Mapping(string? common) => OwnColumns is not null ? ColumnMapping.Parse(OwnColumns, Option)
            : common is not null ? ColumnMapping.Parse(common, "--columns")
            : null;

        public IReadOnlyList<Example> Read(string? common, AnswerUse answers, CancellationToken cancellation) =>
            DataFile.Read(Path!, Rows is null ? null : RowRange.Parse(Rows), Mapping(common), answers, Option, cancellation);
    }
}
