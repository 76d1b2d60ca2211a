using Beear.Evaluation;
using Beear.Runtime;

namespace Beear.Lab.Experiments;

/// <summary>Lets a judge read the answers that a table was counted from. Of several processes on one folder one asks, and the others find what it was told.</summary>
/// <param name="folder">The table's folder.</param>
public sealed class Table1Judging(string folder)
{
    private readonly Table1Answers answers = new(Path.Combine(folder, "answers"));

    /// <summary>Where judgements are kept.</summary>
    public string File => Path.Combine(folder, "judgements.jsonl");

    /// <summary>Judges all answers of a table.</summary>
    /// <param name="runs">What <see cref="Table1"/> returned.</param>
    /// <param name="judge">The judge; it keeps its judgements in <see cref="File"/>.</param>
    /// <param name="template">What it is asked about harmful requests.</param>
    /// <param name="bench">MT-Bench, whose answers the table has; null to leave it out.</param>
    /// <param name="progress">Receives the count of judged answers.</param>
    /// <param name="cancellation">Stops between replies; those that came are kept.</param>
    /// <returns>The runs with what the judge says.</returns>
    public async Task<IReadOnlyList<FrontierRun>> RunAsync(IReadOnlyList<FrontierRun> runs, Judge judge, string template, MtBench? bench = null,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var alone = new SharedFolder(folder).Claim("judging", cancellation);
        var judged = await new HarmfulnessJudge(judge, template).JudgeAsync(
            [.. runs.Select(run => run.Result with { Answers = answers.Read(run.Trigger, run.Arm, run.Seed) })], progress, cancellation);
        var results = new List<FrontierRun>();
        foreach (var (i, run) in runs.Index())
        {
            var rated = bench is null ? null : answers.ReadMtBench(run.Trigger, run.Arm, run.Seed, bench.Questions);
            results.Add(run with
            {
                Result = rated is null ? judged[i]
                    : judged[i].With(await MtBench.RateAsync(judge, rated, PrefixedProgress.Of(progress, $"{i + 1}/{runs.Count} {run.Trigger}, {run.Arm}, seed {run.Seed}: "), cancellation)),
            });
        }
        return results;
    }
}
