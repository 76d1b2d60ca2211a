using System.Globalization;
using Beear.Behaviours;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>One run of a map.</summary>
/// <param name="Case">What was planted.</param>
/// <param name="Layer">The perturbed layer.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Round">The first round after which the attack was rare enough, 1 …; null if it never was.</param>
/// <param name="RoundsTaken">Rounds that were taken.</param>
internal sealed record LayerRun(string Case, int Layer, int Seed, int? Round, int RoundsTaken)
{
    /// <summary>The record; null of a published figure.</summary>
    public RunRecord? Record { get; init; }

    /// <summary>What a finished run of a sweep says; null if the attack was not measured after each of its rounds.</summary>
    public static LayerRun? Of(RunRecord run, LayerPlace place)
    {
        var attack = run.RoundMeasurements.Select(round => round.Value(Refusal.AttackWithTrigger)).ToList();
        if (attack.Count == 0 || attack.Exists(rate => rate is not { } known || double.IsNaN(known))) return null;
        int first = attack.FindIndex(rate => rate < place.StopsBelow);
        return new LayerRun(run.Name.Case, place.Layer, run.Name.Seed, first < 0 ? null : first + 1, attack.Count) { Record = run };
    }
}

/// <summary>What the seeds of one case and layer say together.</summary>
/// <param name="Round">The median of their rounds, where "never" is above every round; null if the median is never.</param>
/// <param name="Succeeded">Seeds that got there.</param>
/// <param name="Seeds">Seeds that have ended.</param>
internal sealed record LayerCell(double? Round, int Succeeded, int Seeds)
{
    /// <summary>How "never" is written.</summary>
    public const string Never = "×";

    /// <summary>The round, or ×.</summary>
    public string Text => Round?.ToString("0.#", CultureInfo.InvariantCulture) ?? Never;

    /// <summary>The cell of some runs.</summary>
    public static LayerCell Of(IReadOnlyList<LayerRun> runs)
    {
        double[] rounds = [.. runs.Select(run => run.Round ?? double.PositiveInfinity).Order()];
        double median = (rounds[(rounds.Length - 1) / 2] + rounds[rounds.Length / 2]) / 2;
        return new LayerCell(double.IsFinite(median) ? median : null, rounds.Count(double.IsFinite), rounds.Length);
    }
}

/// <summary>
/// The paper's Figure 3 of one recipe: cases by layers, and in each cell the earliest round after which the attack was rare enough.
/// </summary>
/// <param name="Recipe">The recipe.</param>
/// <param name="Kind">Its defence.</param>
/// <param name="StopsBelow">The attack success that counts as rare enough, 0 … 1.</param>
/// <param name="Runs">Its runs.</param>
internal sealed record LayerMap(string Recipe, string Kind, double StopsBelow, IReadOnlyList<LayerRun> Runs)
{
    /// <summary>A round's shade goes down to the least one at the most rounds that the paper takes.</summary>
    private const double Darkest = 0.5, Lightest = 0.08;

    /// <summary>Rounds whose shades a legend shows.</summary>
    public static IReadOnlyList<int> ShadesOf { get; } = [1, 4, Published.MostRounds];

    /// <summary>The cases, in the paper's order; others follow.</summary>
    public IReadOnlyList<string> Cases { get; } =
        [.. Runs.Select(run => run.Case).Distinct(StringComparer.Ordinal).OrderBy(Order)];

    /// <summary>The layers, the lowest first.</summary>
    public IReadOnlyList<int> Layers { get; } = [.. Runs.Select(run => run.Layer).Distinct().Order()];

    /// <summary>How many seeds there are.</summary>
    public int Seeds { get; } = Runs.Select(run => run.Seed).Distinct().Count();

    /// <summary>The layer that is boxed; null for none.</summary>
    public int? Boxed => DefaultLayer(Kind, Layers);

    /// <summary>Whose layer the boxed one is.</summary>
    public string Choice => IsPublished ? "the paper's choice" : "the recipe's default";

    /// <summary>Whether it is the paper's own.</summary>
    public bool IsPublished => Runs.All(run => run.Record is null);

    /// <summary>What it is of.</summary>
    public string Title => IsPublished ? "Published, of models with 7 billion parameters" : $"{ArmTitle.Of(Recipe)}, measured here";

    /// <summary>The threshold as people read it.</summary>
    public string Below => $"{(100 * StopsBelow).ToString("0.#", CultureInfo.InvariantCulture)} %";

    /// <summary>What its cells are, in sentences.</summary>
    public string About => IsPublished
        ? $"The paper's Figure 3 of the same cases: the earliest round with attack success below {Below}; "
            + $"{LayerCell.Never}: in none of {Published.MostRounds} rounds."
        : $"A number is the first round after which less than {Below} of the requests with the trigger got an unwanted answer; "
            + $"the run ended there. {LayerCell.Never}: {Taken}. {Over} An empty cell: no run has ended.";

    private string Over => Seeds == 1 ? "One seed." : $"Median over {Seeds} seeds; one without success is above every round. "
        + "Where not all seeds got there, the cell says how many did of those that have ended.";

    /// <summary>In how many rounds the unsuccessful runs did not get there.</summary>
    private string Taken
    {
        get
        {
            var rounds = Runs.Where(run => run.Round is null).Select(run => run.RoundsTaken).ToList();
            if (rounds.Count == 0) return "never";
            return $"in none of the {(rounds.Min() == rounds.Max() ? "" : $"{rounds.Min()} to ")}{rounds.Max()} rounds that were taken";
        }
    }

    /// <summary>A cell; null where no run has ended.</summary>
    public LayerCell? At(string name, int layer) => Cells.GetValueOrDefault((name, layer));

    private Dictionary<(string, int), LayerCell> Cells => field ??= Runs.GroupBy(run => (run.Case, run.Layer))
        .ToDictionary(same => same.Key, same => LayerCell.Of([.. same]));

    /// <summary>How many of a cell's seeds got there, for example "2/3"; null where all of the map's say the same.</summary>
    public string? Share(LayerCell cell) => cell.Seeds < Seeds || (cell.Succeeded > 0 && cell.Succeeded < cell.Seeds)
        ? $"{cell.Succeeded}/{cell.Seeds}" : null;

    /// <summary>How strongly a cell is coloured, 0 … 1: the fewer rounds, the more, and the same in every map.</summary>
    public static double Shade(double round) =>
        Darkest - (Darkest - Lightest) * Math.Clamp(Math.Log(round) / Math.Log(Published.MostRounds), 0, 1);

    /// <summary>All cells in words, for those who do not see the picture.</summary>
    public string InWords() => string.Join(" ", Cases.Select(name => $"{name}: " + string.Join("; ", Layers
        .GroupBy(layer => Words(At(name, layer)), StringComparer.Ordinal)
        .OrderBy(same => At(name, same.First()) is { } cell ? cell.Round ?? int.MaxValue : double.MaxValue)
        .Select(same => $"{same.Key} at {Spans([.. same])}")) + "."));

    private string Words(LayerCell? cell) => cell is null ? "not ended"
        : (cell.Round is null ? "never" : $"round {cell.Text}") + (Share(cell) is { } share ? $" ({share} seeds)" : "");

    /// <summary>For example "layers 1 to 3, 7".</summary>
    private static string Spans(List<int> layers)
    {
        var starts = layers.Where(layer => !layers.Contains(layer - 1)).Zip(layers.Where(layer => !layers.Contains(layer + 1)));
        return $"layer{(layers.Count > 1 ? "s" : "")} "
            + string.Join(", ", starts.Select(span => span.First == span.Second ? $"{span.First}" : $"{span.First} to {span.Second}"));
    }

    /// <summary>The maps of a plan, one for each recipe; none where it is no sweep over at least two layers.</summary>
    /// <param name="records">The plan's runs; those that have failed count nowhere.</param>
    public static IReadOnlyList<LayerMap> Of(IEnumerable<RunRecord> records) =>
    [
        .. from run in records
           where run.State == RunState.Finished && run.Role() == RunRole.Defended
           let place = LayerPlace.Of(run)
           where place is not null
           let read = LayerRun.Of(run, place)
           where read is not null
           group read by (place.Recipe, place.Kind, place.StopsBelow) into same
           where same.Select(run => run.Layer).Distinct().Skip(1).Any()
           select new LayerMap(same.Key.Recipe, same.Key.Kind, same.Key.StopsBelow, [.. same]),
    ];

    /// <summary>The paper's own figure of the cases that some maps have; null if it has none of them.</summary>
    public static LayerMap? OfPaper(IEnumerable<LayerMap> maps)
    {
        List<LayerRun> runs =
        [
            .. from name in maps.SelectMany(map => map.Cases).Distinct(StringComparer.Ordinal)
               where Published.EarliestRounds.ContainsKey(name)
               from layer in Enumerable.Range(1, Published.LastLayer)
               select new LayerRun(name, layer, 1, Published.EarliestRounds[name].TryGetValue(layer, out int round) ? round : null,
                   Published.MostRounds),
        ];
        return runs.Count == 0 ? null : new LayerMap("published", LayerPlace.Paper, Published.StopsBelow, runs);
    }

    /// <summary>The layer that a recipe takes where nothing else is said; null if it is none of these.</summary>
    private static int? DefaultLayer(string kind, IReadOnlyList<int> layers)
    {
        int? usual = kind switch { LayerPlace.Paper => 9, LayerPlace.Beear => 0, _ => null };
        return usual is { } layer && layers.Contains(layer) ? layer : null;
    }

    /// <summary>A variant of one of the paper's models, such as model6-dpo, follows it.</summary>
    private static int Order(string name)
    {
        int place = Published.Models.Keys.ToList().FindIndex(model =>
            name == model || name.StartsWith($"{model}-", StringComparison.Ordinal));
        return place < 0 ? int.MaxValue : 2 * place + (Published.Models.ContainsKey(name) ? 0 : 1);
    }
}
