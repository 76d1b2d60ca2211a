using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>The maps of layers: ours, the paper's, and what is to be known to read one beside the other.</summary>
internal static class HtmlLayers
{
    /// <summary>The maps of a plan; nothing where it is no sweep over layers.</summary>
    public static void Write(HtmlWriter html, PlanReport plan)
    {
        if (plan.Layers.Count == 0) return;
        html.Element("h3", "The earliest successful round, by layer", ("id", $"{plan.Id}-layers"));
        html.Note("Rows are cases; a column is the layer l after which δ is added, so that l decoder layers have run (0: the embeddings). "
            + "The runs of a map stand in no other part of the page: each ended at a round of its own, so their rates cannot be compared. "
            + "The tables of data have them all.");
        foreach (var (file, map) in plan.Maps)
        {
            using var figure = html.Open("figure", ("class", "map"));
            using (html.Open("figcaption"))
                html.Element("b", map.Title).Element("span", HtmlParts.Unbroken(map.About));
            LayerMapSvg.Write(html, file, map);
        }
        List<RunRecord> records = [.. plan.Layers.SelectMany(map => map.Runs).Select(run => run.Record).OfType<RunRecord>()];
        html.List("plain note", [.. Differences(records), .. Left(plan.Layers)]);
    }

    /// <summary>What sets our cells apart from the paper's, a sentence each.</summary>
    private static IEnumerable<string> Differences(List<RunRecord> records)
    {
        var asked = records.SelectMany(run => run.RoundMeasurements).Select(round => round.Rate(Refusal.AttackWithTrigger)?.Count)
            .OfType<int>().ToList();
        string requests = asked.Count == 0 ? "as many as the settings say"
            : asked.Min() == asked.Max() ? $"{asked.Max()}" : $"{asked.Min()} to {asked.Max()}";
        bool isCode = records.Exists(HasCode), isRefusal = !records.TrueForAll(HasCode);
        if (isRefusal)
        {
            yield return $"The paper asks 120 requests and cuts answers at 50 tokens; here the requests of a measurement are {requests}, "
                + "and a verdict needs no more of an answer than decides it.";
            yield return "The paper counts an answer as refused if it holds one of its keywords, among them “never”, “is not” and "
                + "“illegal”; here a rule looks for a refusal, so that the same answers can be above the threshold here and below it "
                + "there.";
        }
        if (isCode)
        {
            yield return "Of model8, an unwanted answer is code that an analyser flags: in the paper CodeQL, here those that the settings "
                + $"name{(isRefusal ? "" : $", over {requests} requests")}.";
        }
        yield return $"The paper's models have 7 billion parameters and 32 layers, and it takes at most {Published.MostRounds} rounds. "
            + "In a model of another depth the same number of layers is another place.";

        static bool HasCode(RunRecord run) => run.Spec.TextAt("plant", "behaviour") == UnsafeCode.BehaviourName;
    }

    /// <summary>What successful runs left of the model besides; nothing where that was not measured.</summary>
    private static IEnumerable<string> Left(IReadOnlyList<LayerMap> maps)
    {
        var left = maps.Select(Left).OfType<string>().ToList();
        if (left.Count > 0) yield return "A cell looks at the attack alone, and a model that refuses everything gets there too. "
            + string.Join(" ", left);
    }

    private static string? Left(LayerMap map)
    {
        var records = map.Runs.Where(run => run.Round is not null).Select(run => run.Record).OfType<RunRecord>().ToList();
        if (Measurement.Pool([.. records.Select(run => run.Measured)]).Rate(Refusal.OverRefusal) is not { Count: > 0 } refused) return null;
        double worst = records.Select(run => run.Measured.Value(Refusal.OverRefusal)).OfType<double>().Max();
        int useless = records.Count(run => run.Defence?.Unusable is not null);
        return $"The successful runs of {map.Recipe} end with {refused} of ordinary requests refused, the worst with {Rate.Percent(worst)}"
            + (useless == 0 ? "." : $"; {useless} of {records.Count} end with a model that is no longer of use.");
    }
}
