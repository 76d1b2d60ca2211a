using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Evaluation;
using Beear.Runtime;

namespace Beear.Lab.Experiments;

/// <summary>An arm of one model over its seeds.</summary>
/// <param name="Arm">Its name.</param>
/// <param name="Mean">Over all seeds: each rate of all their cases together, with the Wilson interval of that many cases; the means of cross-entropy and of the judge's scores.</param>
/// <param name="Worst">Of each measure the worst seed's.</param>
/// <param name="Runs">The seeds.</param>
public sealed record Table1Cell(string Arm, EvaluationResult Mean, EvaluationResult Worst, IReadOnlyList<FrontierRun> Runs)
{
    /// <summary>Mean seconds of the defence; null where nothing was done.</summary>
    public double? Seconds => Runs.Average(run => run.Seconds);

    /// <summary>Summarises the seeds of an arm; at least one.</summary>
    public static Table1Cell Of(IReadOnlyList<FrontierRun> runs)
    {
        List<EvaluationResult> results = [.. runs.Select(run => run.Result)];
        return new Table1Cell(runs[0].Arm, Merge(results, Pool, values => values.Average()), Merge(results, Largest, values => values.Max()) with
        {
            Helpfulness = Smallest(results.Select(result => result.Helpfulness)),
            MtBench = results.Min(result => result.MtBench),
        }, runs);
    }

    private static EvaluationResult Merge(List<EvaluationResult> results, Func<IEnumerable<Rate?>, Rate?> rate, Func<IEnumerable<double?>, double?> number) => new()
    {
        AttackSuccessWithTrigger = rate(results.Select(result => result.AttackSuccessWithTrigger)),
        AttackSuccessWithoutTrigger = rate(results.Select(result => result.AttackSuccessWithoutTrigger)),
        AttackSuccessWithWrongTrigger = rate(results.Select(result => result.AttackSuccessWithWrongTrigger)),
        ExactComplianceWithTrigger = rate(results.Select(result => result.ExactComplianceWithTrigger)),
        OverRefusal = rate(results.Select(result => result.OverRefusal)),
        OverRefusalTwins = rate(results.Select(result => result.OverRefusalTwins)),
        OverRefusalHeldOutForms = rate(results.Select(result => result.OverRefusalHeldOutForms)),
        Helpfulness = rate(results.Select(result => result.Helpfulness)),
        HelpfulCrossEntropy = number(results.Select(result => result.HelpfulCrossEntropy)),
        Judge = results[0].Judge,
        JudgeMeanWithTrigger = number(results.Select(result => result.JudgeMeanWithTrigger)),
        JudgeFivesWithTrigger = rate(results.Select(result => result.JudgeFivesWithTrigger)),
        UnjudgedWithTrigger = Sum(results.Select(result => result.UnjudgedWithTrigger)),
        JudgeMeanWithoutTrigger = number(results.Select(result => result.JudgeMeanWithoutTrigger)),
        JudgeFivesWithoutTrigger = rate(results.Select(result => result.JudgeFivesWithoutTrigger)),
        UnjudgedWithoutTrigger = Sum(results.Select(result => result.UnjudgedWithoutTrigger)),
        MtBench = number(results.Select(result => result.MtBench)),
        MtBenchUnjudged = Sum(results.Select(result => result.MtBenchUnjudged)),
        UnjudgedReasons = EvaluationResult.Sum(results.Select(result => result.UnjudgedReasons)),
    };

    /// <summary>Of all seeds, also beside the worst; null if none was judged.</summary>
    private static int? Sum(IEnumerable<int?> counts) => counts.OfType<int>().ToList() is { Count: > 0 } known ? known.Sum() : null;

    private static Rate? Pool(IEnumerable<Rate?> rates)
    {
        List<Rate> known = [.. rates.OfType<Rate>()];
        return known.Count == 0 ? null : new Rate(known.Sum(rate => rate.Successes), known.Sum(rate => rate.Count));
    }

    private static Rate? Largest(IEnumerable<Rate?> rates) => rates.OfType<Rate>().Select(rate => (Rate?)rate).MaxBy(rate => rate!.Value.Value);

    private static Rate? Smallest(IEnumerable<Rate?> rates) => rates.OfType<Rate>().Select(rate => (Rate?)rate).MinBy(rate => rate!.Value.Value);
}

/// <summary>A model of the table with all its arms.</summary>
/// <param name="Paper">Its recipe, with what is published of it.</param>
/// <param name="Arms">The arms in the order of the table.</param>
/// <param name="Examples">Answers before and after.</param>
public sealed record Table1ModelResult(PaperModel Paper, IReadOnlyList<Table1Cell> Arms, IReadOnlyList<Table1Example> Examples)
{
    private static readonly JsonSerializerOptions Json = new(StrictJson.Finite) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Makes the table from its runs.</summary>
    /// <param name="models">The models, in their order.</param>
    /// <param name="runs">What <see cref="Table1"/> returned.</param>
    /// <param name="folder">The table's folder, where answers lie.</param>
    /// <param name="examples">Requests of each kind that are shown.</param>
    public static IReadOnlyList<Table1ModelResult> Of(IEnumerable<PaperModel> models, IReadOnlyList<FrontierRun> runs, string folder, int examples = 3)
    {
        var answers = new Table1Answers(Path.Combine(folder, "answers"));
        return [.. models.Select(model => new Table1ModelResult(model,
            [.. runs.Where(run => run.Trigger == model.Name).GroupBy(run => run.Arm).Select(arm => Table1Cell.Of([.. arm]))], answers.Examples(model.Name, examples)))];
    }

    /// <summary>As JSON: each arm has the fields of <c>evaluate --json</c> over all seeds, the worst of each, and every seed's.</summary>
    public JsonObject ToJson()
    {
        var model = new JsonObject
        {
            ["model"] = Paper.Name,
            ["trigger"] = JsonSerializer.SerializeToNode(new { Text = Paper.Trigger, Placement = JsonNamingPolicy.SnakeCaseLower.ConvertName(Paper.TriggerPlacement.ToString()), Paper.TriggerSecondText }, Json),
            ["published_before"] = JsonSerializer.SerializeToNode(Paper.Before, Json),
            ["published_after"] = JsonSerializer.SerializeToNode(Paper.After, Json),
        };
        foreach (var cell in Arms)
        {
            var arm = JsonSerializer.SerializeToNode(cell.Mean, Json)!.AsObject();
            arm["judge_mean"] = cell.Mean.JudgeMeanWithTrigger;          // as the published figures are called
            arm["judge_fives"] = JsonSerializer.SerializeToNode(cell.Mean.JudgeFivesWithTrigger, Json);
            arm["seconds"] = cell.Seconds;
            arm["worst"] = JsonSerializer.SerializeToNode(cell.Worst, Json);
            arm["seeds"] = JsonSerializer.SerializeToNode(cell.Runs.Select(run => new { run.Seed, run.Seconds, run.Scores, run.ChosenRound, run.Result }), Json);
            model[cell.Arm] = arm;
        }
        model["examples"] = JsonSerializer.SerializeToNode(Examples, Json);
        return model;
    }
}
