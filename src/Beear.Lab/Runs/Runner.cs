using System.Diagnostics;
using Beear.Attacks;
using Beear.Evaluation;
using Beear.Lab.Plans;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Lab.Runs;

/// <summary>
/// Carries out a plan: plant → defend → measure, each stage under its content's name, so that what runs share is made once. The same call
/// goes on where the folder ends, and a run that was interrupted after its last finished round. Several processes may work on one folder:
/// each takes what no other has begun.
/// </summary>
/// <param name="plan">The plan.</param>
/// <param name="folder">Where runs are kept.</param>
public sealed class Runner(IPlan plan, RunFolder folder)
{
    private const string Model = "model";

    /// <summary>Whether the cleaned models are kept, in the folder's stages.</summary>
    public bool KeepModels { get; init; }

    /// <summary>
    /// Which part of the plan this process takes, and of how many; runs of one planted model belong together. Null for all.
    /// </summary>
    public Shard? Shard { get; init; }

    /// <summary>Receives each run as it ends.</summary>
    public Action<RunRecord>? OnRun { get; init; }

    /// <summary>Receives each step.</summary>
    public IProgress<RunProgress>? Progress { get; init; }

    /// <summary>Checks, before weights are loaded, options, data and folder.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">Something is wrong; the message says what.</exception>
    public void Check(CancellationToken cancellation = default)
    {
        folder.Check();
        Checked(cancellation);
    }

    private IReadOnlyList<PlannedRun> Checked(CancellationToken cancellation)
    {
        var wanted = plan.Wanted(Find);
        foreach (var run in wanted.DistinctBy(run => (run.Subject, run.Spec.DefendedId)))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                run.Check(cancellation);
            }
            catch (BeearException failure)
            {
                throw new BeearException($"{run.Name}: {failure.Message}", failure);
            }
        }
        if (wanted.GroupBy(run => run.Spec.Id).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new BeearException($"'{twice.First().Name}' and '{twice.Last().Name}' are the same run; leave one of them out.");
        return wanted;
    }

    /// <summary>Runs what the folder does not hold yet.</summary>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The records of all runs that were asked for; without those that other processes are still at.</returns>
    /// <exception cref="BeearException">
    /// Something is wrong; the message says what. A run that fails is recorded, and the others go on.
    /// </exception>
    public IReadOnlyList<RunRecord> Run(CancellationToken cancellation = default)
    {
        var wanted = Checked(cancellation);
        folder.Open(cancellation);
        var tried = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            folder.WritePlan(plan.Name, [.. wanted.Select(run => new WantedRun(run.Spec.Id, run.Spec.PlantId, run.Name)
            {
                DefendedId = run.Defence is null ? null : run.Spec.DefendedId,
            })]);
            List<PlannedRun> own = [.. wanted.Where(run => Shard?.Has(run, wanted) != false)];
            if (own.All(run => Find(run) is not null || tried.Contains(run.Spec.Id))) break;
            RunAll(own, wanted, tried, cancellation);
            wanted = plan.Wanted(Find);
        }
        return [.. wanted.Select(run => folder.Find(run.Spec.Id)).OfType<RunRecord>()];
    }

    /// <summary>A run that is finished; null for any other.</summary>
    private RunRecord? Find(PlannedRun run) => folder.Find(run.Spec.Id) is { State: RunState.Finished } record ? record : null;

    private void RunAll(List<PlannedRun> own, IReadOnlyList<PlannedRun> wanted, HashSet<string> tried, CancellationToken cancellation)
    {
        // First what nobody has begun; then what others were at, if it is still not done when they let it go.
        foreach (bool waits in (bool[])[false, true])
        {
            foreach (var (number, run) in own.Index())
            {
                cancellation.ThrowIfCancellationRequested();
                if (Find(run) is not null || tried.Contains(run.Spec.Id)) continue;
                using var claim = waits ? folder.Claim(run.Spec.Id, cancellation) : folder.TryClaim(run.Spec.Id);
                if (claim is null || Find(run) is not null) continue;
                var named = PrefixedProgress.Of(Progress, $"{number + 1}/{own.Count} {run.Name}: ");
                using var planting = waits ? folder.Claim(run.Spec.PlantId, cancellation) : folder.TryClaim(run.Spec.PlantId);
                if (planting is null) continue;  // another process plants this model: we take one of another meanwhile
                var record = Attempt(run, planting, wanted, named, cancellation);
                tried.Add(run.Spec.Id);
                folder.Write(record);
                if (!KeepModels) Clean(run, wanted);
                OnRun?.Invoke(record);
            }
        }
    }

    private RunRecord Attempt(PlannedRun run, IDisposable planting, IReadOnlyList<PlannedRun> wanted, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        MachineFacts.ResetPeakMemory();
        var begun = DateTimeOffset.UtcNow;
        var stages = new List<StageRecord>();
        RunRecord Record(RunState state) => new()
        {
            Id = run.Spec.Id,
            Name = run.Name,
            Spec = run.Spec.ToJson(),
            State = state,
            Code = CodeVersion.Current,
            Machine = MachineFacts.Of(run.Subject.ModelOptions.Device),
            Started = begun,
            Ended = DateTimeOffset.UtcNow,
            Stages = stages,
            PeakMemory = MachineFacts.PeakMemory(),
        };
        try
        {
            var (planted, attack) = Plant(run, stages, progress, cancellation);
            planting.Dispose();                                          // others may use it now
            var (report, measurement, rounds) = Finish(run, planted, wanted, stages, progress, cancellation);
            measurement = measurement.With(attack?.Shares.Select(share =>
                (share.Name, (Metric?)Metric.Of(new Rate(share.Count, share.Of)))) ?? []);
            return Record(RunState.Finished) with
            {
                Measurement = measurement,
                Warnings = attack?.Warnings ?? [],
                RoundMeasurements = rounds,
                Defence = report,
                Answers = folder.WriteAnswers(run.Spec.Id, measurement.Answers),
            };
        }
        catch (BeearException failure)
        {
            return Record(RunState.Failed) with { Error = failure.Message };
        }
    }

    /// <summary>Where the planted model lies, and what was counted on the way; it is made if it is not there.</summary>
    private (string Model, PlantReport? Report) Plant(PlannedRun run, List<StageRecord> stages, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        if (run.Given is { } given) return (given, null);
        return Kept(run.Spec.PlantId, StageRecord.Plant, run, run.Subject.Source, stages, (model, directory) =>
        {
            var context = new StageContext(directory, PrefixedProgress.Of(progress, "plant: "), cancellation);
            var report = run.Plant(model, context, new FolderStages(folder, run, cancellation));
            return new PlantReport(report.Shares, report.Warnings);
        }, cancellation);
    }

    private (DefenceReport? Report, Measurement Measured, IReadOnlyList<Measurement> Rounds) Finish(PlannedRun run, string planted,
        IReadOnlyList<PlannedRun> wanted, List<StageRecord> stages, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        if (run.Defence is null)
        {
            using var asPlanted = Load(run, planted, cancellation);
            return (null, Measure(run, asPlanted, stages, progress, cancellation), []);
        }
        using var alone = folder.Claim(run.Spec.DefendedId, cancellation);
        var rounds = new RoundMeasurements(run, progress, cancellation);
        if (KeepModels || run.KeepsModel || wanted.Count(other => other.Spec.DefendedId == run.Spec.DefendedId) > 1)
        {
            var (path, report) = Kept(run.Spec.DefendedId, StageRecord.Defend, run, planted, stages,
                (model, directory) => Defend(run, model, directory, rounds, stages, progress, cancellation), cancellation);
            var defended = Load(run, path, cancellation);
            try
            {
                if (run.Aftermath is { } after)
                    defended = after.Of(defended, planted, run.Subject.ModelOptions, new StageContext(null, progress, cancellation));
                return (report, Measure(run, defended, stages, progress, cancellation), rounds.Of(report));
            }
            finally
            {
                defended.Dispose();
            }
        }
        using var cleaned = Load(run, planted, cancellation);
        var done = Defend(run, cleaned, RunDirectory.Open(folder.StageOf(run.Spec.DefendedId), OptionsOf(run, StageRecord.Defend)), rounds,
            stages, progress,
            cancellation);
        return (done, rounds.LastOf(done) ?? Measure(run, cleaned, stages, progress, cancellation), rounds.Of(done));
    }

    private static DefenceReport Defend(PlannedRun run, LanguageModel model, RunDirectory directory, RoundMeasurements rounds,
        List<StageRecord> stages,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        bool isContinued = IsBegun(directory);
        var report = run.Defend(model, round =>
            rounds.Take(round.Round, model, directory), rounds.EndsAfter, new StageContext(directory, progress, cancellation));
        stages.Add(new StageRecord(StageRecord.Defend, run.Spec.DefendedId, isContinued
            ? null : Math.Round(report.Seconds - rounds.Seconds, 1)));
        rounds.Complete(report, directory);
        return report;
    }

    private Measurement Measure(PlannedRun run, LanguageModel model, List<StageRecord> stages, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        var time = Stopwatch.StartNew();
        var measured = run.Measure(model, new StageContext(null, progress, cancellation));
        if (run.ScoresRewards) measured = new CleanReward(folder, run).Score(measured, progress, cancellation);
        if (run.MtBench is { } bench) folder.WriteMtBench(run.Spec.Id, bench.Answer(model, progress, cancellation));
        stages.Add(new StageRecord(StageRecord.Measure, null, Math.Round(time.Elapsed.TotalSeconds, 1)));
        return measured;
    }

    private static bool IsBegun(RunDirectory directory) => File.Exists(directory.File("state.safetensors"));

    /// <summary>What decides the stage's result.</summary>
    private static object OptionsOf(PlannedRun run, string stage) =>
        stage == StageRecord.Plant ? new { run.Spec.Plant } : new { run.Spec.Plant, run.Spec.Defence };

    /// <summary>A stage's model in the folder, and what was reported of it; made if it is not there. The caller has its lock.</summary>
    private (string Model, T Report) Kept<T>(string id, string stage, PlannedRun run, string source, List<StageRecord> stages,
        Func<LanguageModel, RunDirectory, T> make, CancellationToken cancellation) where T : class
    {
        string place = folder.StageOf(id);
        if (Directory.Exists(place) && RunDirectory.Result<T>(place) is { } known)
        {
            stages.Add(new StageRecord(stage, id, null));
            return (Path.Combine(place, Model), known);
        }
        var directory = RunDirectory.Open(place, OptionsOf(run, stage));
        bool isContinued = IsBegun(directory);
        var time = Stopwatch.StartNew();
        using var model = Load(run, source, cancellation);
        var report = make(model, directory);
        directory.Finish(report, target => model.Save(target));
        if (stages.All(one => one.Name != stage)) stages.Add(
            new StageRecord(stage, id, isContinued ? null : Math.Round(time.Elapsed.TotalSeconds, 1)));
        return (Path.Combine(place, Model), report);
    }

    /// <summary>Removes working folders that no run of the plan needs any more; planted models stay.</summary>
    private void Clean(PlannedRun run, IReadOnlyList<PlannedRun> wanted)
    {
        if (run.Defence is null || wanted.Any(other => other.Spec.DefendedId == run.Spec.DefendedId
            && (other.KeepsModel || Find(other) is null))) return;
        string place = folder.StageOf(run.Spec.DefendedId);
        if (Directory.Exists(place)) Directory.Delete(place, recursive: true);
    }

    /// <summary>What planting counted.</summary>
    private sealed record PlantReport(IReadOnlyList<AttackShare> Shares, IReadOnlyList<string> Warnings);

    private static LanguageModel Load(PlannedRun run, string path, CancellationToken cancellation) =>
        LanguageModel.Load(path, run.Subject.ModelOptions, cancellation);
}
