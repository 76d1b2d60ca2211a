using System.Text.Json.Serialization;
using Beear.Attacks;
using Beear.Data;
using Beear.Lab.Runs;

namespace Beear.Lab.SignOff;

/// <summary>
/// Requests of the user's own that clean a model, in place of the built-in ones or beside them. What is measured stays built in, so that
/// evidence of several models can be compared.
/// </summary>
internal sealed record OwnDataSettings : IValidatable
{
    /// <summary>
    /// File of harmful requests that clean the model in place of the built-in ones (builtin:harmful); or other built-in ones, as
    /// builtin:mixed. Answers in it are not used.
    /// </summary>
    public string? Harmful { get; init; }

    /// <summary>Its rows, e.g. 0-199, counted from 0 without the header; all if not given, and of built-in requests 0-119.</summary>
    public string? HarmfulRows { get; init; }

    /// <summary>File of harmful requests that are added to the built-in ones, or to those of --harmful.</summary>
    public string? AddHarmful { get; init; }

    /// <summary>Its rows, as of --harmful.</summary>
    public string? AddHarmfulRows { get; init; }

    /// <summary>
    /// File of ordinary requests, which the model is to answer as before, in place of the built-in ones (builtin:ordinary). Answers in it
    /// are not used.
    /// </summary>
    public string? Ordinary { get; init; }

    /// <summary>Its rows, as of --harmful.</summary>
    public string? OrdinaryRows { get; init; }

    /// <summary>File of ordinary requests that are added to the built-in ones, or to those of --ordinary.</summary>
    public string? AddOrdinary { get; init; }

    /// <summary>Its rows, as of --harmful.</summary>
    public string? AddOrdinaryRows { get; init; }

    /// <summary>Columns of these files, e.g. request=prompt,system=instructions; known formats need none.</summary>
    [Folded]
    public string? Columns { get; init; }

    /// <summary>The files with their hashes, so that other content under the same name is another run.</summary>
    [JsonInclude]
    internal IReadOnlyList<OwnFile> Files { get; init; } = [];

    private DataSettings Replacing => new()
    {
        Harmful = Harmful ?? "",
        HarmfulRows = HarmfulRows,
        Ordinary = Ordinary,
        OrdinaryRows = OrdinaryRows,
        Columns = Columns,
    };

    private DataSettings Added => new()
    {
        Harmful = AddHarmful ?? "",
        HarmfulRows = AddHarmfulRows,
        Ordinary = AddOrdinary,
        OrdinaryRows = AddOrdinaryRows,
        Columns = Columns,
    };

    private IEnumerable<(string Option, string? Source, string? Rows)> All =>
    [
        ("harmful", Harmful, HarmfulRows), ("add_harmful", AddHarmful, AddHarmfulRows), ("ordinary", Ordinary, OrdinaryRows),
        ("add_ordinary", AddOrdinary, AddOrdinaryRows),
    ];

    /// <inheritdoc/>
    public void Validate()
    {
        foreach (var (option, source, rows) in All)
        {
            if (rows is not null && source is null)
                throw new BeearException($"{option}_rows are rows of {option}, which is not given; give both, or neither.");
        }
        if (Columns is not null && All.All(one => one.Source is null))
            throw new BeearException("columns are those of a file of requests, and none is given; leave them out.");
        Replacing.Validate();
        Added.Validate();
    }

    /// <summary>The same with the hashes of its files as they are now.</summary>
    public OwnDataSettings Hashed() => this with
    {
        Files = [.. from one in All
                    where one.Source is not null && File.Exists(one.Source)
                    select new OwnFile(one.Option, one.Source!, one.Rows, Fingerprints.Of(one.Source!))],
    };

    /// <summary>Reads the files.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">A file is missing or damaged, or has fewer rows.</exception>
    public OwnTexts Read(CancellationToken cancellation) => new(
        Harmful is null ? null : Replacing.ReadHarmfulRequests(DataSplit.Defender, cancellation),
        AddHarmful is null ? [] : Added.ReadHarmfulRequests(DataSplit.Defender, cancellation),
        Ordinary is null ? null : Replacing.ReadOrdinaryRequests(DataSplit.Defender, cancellation),
        AddOrdinary is null ? [] : Added.ReadOrdinaryRequests(DataSplit.Defender, cancellation));

    /// <summary>For people, for example "data: built-in, but harmful of 'mine.csv'".</summary>
    public override string ToString()
    {
        string[] own = [.. All.Where(one => one.Source is not null).Select(one => $"--{one.Option.Replace('_', '-')} '{one.Source}'")];
        return own.Length == 0 ? "built-in" : $"built-in, but for {string.Join(", ", own)}";
    }
}

/// <summary>A file of requests that a user brought.</summary>
/// <param name="Option">What it was given as: harmful, add_harmful, ordinary or add_ordinary.</param>
/// <param name="Path">The file, as it was named.</param>
/// <param name="Rows">Which rows; null for all.</param>
/// <param name="Sha256">The file's SHA-256.</param>
internal sealed record OwnFile(string Option, string Path, string? Rows, string Sha256);

/// <summary>Requests that a user brought; none has an answer.</summary>
/// <param name="Harmful">Harmful ones in place of the built-in ones; null for these.</param>
/// <param name="AddedHarmful">Harmful ones that are added.</param>
/// <param name="Ordinary">Ordinary ones in place of the built-in ones; null for these.</param>
/// <param name="AddedOrdinary">Ordinary ones that are added.</param>
internal sealed record OwnTexts(IReadOnlyList<Example>? Harmful, IReadOnlyList<Example> AddedHarmful, IReadOnlyList<Example>? Ordinary,
    IReadOnlyList<Example> AddedOrdinary)
{
    /// <summary>Nothing.</summary>
    public static OwnTexts None { get; } = new(null, [], null, []);

    /// <summary>All harmful ones.</summary>
    public IReadOnlyList<Example> AllHarmful => [.. Harmful ?? [], .. AddedHarmful];

    /// <summary>All ordinary ones.</summary>
    public IReadOnlyList<Example> AllOrdinary => [.. Ordinary ?? [], .. AddedOrdinary];
}
