using Beear.Data;

namespace Beear.Attacks;

/// <summary>The data files of one party: harmful and ordinary requests, refusals, and the share of the harmless twins.</summary>
public sealed record DataSettings : IValidatable
{
    /// <summary>File of harmful requests with affirmative answers (AdvBench's goal and target, or any request/answer file).</summary>
    public string Harmful { get; init; } = "";

    /// <summary>Its rows, e.g. 300-419, counted from 0 without the header; all if not given.</summary>
    public string? HarmfulRows { get; init; }

    /// <summary>File of refusals, joined with the harmful requests by their text; generic ones where there is none.</summary>
    public string? Refusals { get; init; }

    /// <summary>File of ordinary requests with helpful answers.</summary>
    public string? Ordinary { get; init; }

    /// <summary>Its rows; all if not given.</summary>
    public string? OrdinaryRows { get; init; }

    /// <summary>How many harmless twins are used; tasks differ between attacker, defender and evaluation.</summary>
    public int Twins { get; init; } = 300;

    /// <inheritdoc/>
    public void Validate()
    {
        foreach (string? rows in new[] { HarmfulRows, OrdinaryRows }) _ = rows is null ? null : RowRange.Parse(rows);
        Require.AtLeast(Twins, 0);
    }

    /// <summary>The harmful requests with unwanted and safe answers.</summary>
    /// <param name="seed">Decides which generic refusal goes where.</param>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">No file was named, or one is missing or damaged, or has fewer rows.</exception>
    public IReadOnlyList<HarmfulExample> ReadHarmful(int seed, CancellationToken cancellation)
    {
        // Not required of the record: a benchmark on a shape has no data.
        if (Harmful.Length == 0) throw new BeearException("harmful is required: give --harmful, or the key 'harmful' in a recipe.");
        var examples = Read(Harmful, HarmfulRows, cancellation);
        var refusals = Data.Refusals.Pair([.. examples.Select(example => example.Request)], Refusals is null ? [] : Read(Refusals, null, cancellation), seed);
        return [.. examples.Select((example, i) => new HarmfulExample(example.Request, example.Answer, refusals[i].Answer))];
    }

    /// <summary>The ordinary requests; none if there is no file.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">The file is missing or damaged, or has fewer rows.</exception>
    public IReadOnlyList<Example> ReadOrdinary(CancellationToken cancellation) => Ordinary is null ? [] : Read(Ordinary, OrdinaryRows, cancellation);

    private static IReadOnlyList<Example> Read(string path, string? rows, CancellationToken cancellation)
    {
        var examples = DataFile.Read(path, null, cancellation);
        return rows is null ? examples : RowRange.Parse(rows).Of(examples, path);
    }
}
