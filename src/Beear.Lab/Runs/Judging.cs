using System.Diagnostics;
using Beear.Evaluation;
using Beear.Runtime;

namespace Beear.Lab.Runs;

/// <summary>
/// The last stage: a judge reads the answers of finished runs, and their records get what it says. Of several processes on one folder one
/// asks, and the others find what it was told.
/// </summary>
/// <param name="folder">The runs; judgements are kept in <see cref="RunFolder.Judgements"/>.</param>
internal sealed class Judging(RunFolder folder)
{
    /// <summary>Judges all answers of some runs.</summary>
    /// <param name="records">The runs; those that failed are passed over.</param>
    /// <param name="judge">The judge.</param>
    /// <param name="template">What it is asked about harmful requests.</param>
    /// <param name="progress">Receives the count of judged answers.</param>
    /// <param name="cancellation">Stops between replies; those that came are kept.</param>
    /// <returns>The records, as they are now.</returns>
    public async Task<IReadOnlyList<RunRecord>> RunAsync(IReadOnlyList<RunRecord> records, Judge judge, string template,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var alone = folder.Claim("judging", cancellation);
        var results = new List<RunRecord>();
        foreach (var (i, record) in records.Index())
        {
            if (record.State != RunState.Finished)
            {
                results.Add(record);
                continue;
            }
            var time = Stopwatch.StartNew();
            var own = PrefixedProgress.Of(progress, $"{i + 1}/{records.Count} {record.Name}: ");
            var measured = record.Measured with { Answers = folder.ReadAnswers(record) };
            var judged = (await new HarmfulnessJudge(judge, template).JudgeAsync([measured], own, cancellation))[0];
            if (folder.ReadMtBench(record.Id) is { } bench) judged = judged.With(await MtBench.RateAsync(judge, bench, own, cancellation));
            var now = record with
            {
                Measurement = judged,
                Stages = [.. record.Stages.Where(stage => stage.Name != StageRecord.Judge),
                    new StageRecord(StageRecord.Judge, null, Math.Round(time.Elapsed.TotalSeconds, 1))],
            };
            folder.Write(now);
            results.Add(now);
        }
        return results;
    }
}
