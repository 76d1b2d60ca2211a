using System.Diagnostics;
using System.Text.Json.Nodes;
using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Lab.Experiments;

/// <summary>
/// Runs every arm on every trigger with every seed. Plants are made once and kept; each finished run is a line of <c>runs.jsonl</c>; the same
/// call goes on where the folder ends, and a run that was interrupted after its last finished round. Several processes may work on one folder: each takes what
/// no other has begun.
/// </summary>
/// <param name="options">Arms, triggers, seeds.</param>
/// <param name="subject">What they are run on.</param>
/// <param name="folder">The frontier's folder.</param>
public sealed class Frontier(FrontierOptions options, FrontierSubject subject, string folder)
{
    private readonly SharedFolder shared = new(folder);
    private readonly FrontierLog log = new(Path.Combine(folder, "runs.jsonl"));

    /// <summary>One run that is wanted; without an arm, the measurement before any mitigation.</summary>
    private sealed record Job(FrontierArm? Arm, MitigationOptions? Mitigation, Trigger? Trigger, string? Opening, int Seed)
    {
        public string Name => Arm?.Name ?? (Trigger is null ? FrontierRun.NeverBackdoored : FrontierRun.Planted);

        public string TriggerName => Trigger?.Name ?? FrontierRun.NoTrigger;

        /// <summary>What is planted: the trigger's place and texts, and the opening if it has one of its own.</summary>
        public string Plant => Trigger is null ? FrontierRun.NoTrigger
            : $"{RecipeValue.Format(Trigger.Placement)}: {Trigger.Text}{(Trigger.SecondText is null ? "" : $" … {Trigger.SecondText}")}"
                + (Opening is null ? "" : $", opening '{Opening}'");

        public JsonObject Settings => FrontierLog.Settings(new
        {
            Kind = RecipeValue.Format(Arm!.Kind),
            Defence = RecipeValue.Format(Arm.Defence),
            Trigger = Plant,
            Mitigation,
            Baseline = Arm.Recorded(Mitigation!),
            Arm.Defender,
        });
    }

    /// <summary>How many runs are asked for.</summary>
    public int Count => Jobs().Count();

    /// <summary>Checks, before weights are loaded, arms, data and folder.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">An arm is wrong, or the folder holds something else.</exception>
    public void Check(CancellationToken cancellation = default) => Checked(cancellation);

    private List<Job> Checked(CancellationToken cancellation)
    {
        var jobs = Jobs().ToList();
        foreach (var (defender, alike) in jobs.Where(job => job.Mitigation is not null).GroupBy(job => job.Arm!.Defender).Select(group => (group.Key, group)))
            subject.WithDefender(defender).RequireData(alike.Select(job => job.Mitigation!), options.Seeds[0], cancellation);
        shared.Open(new { subject.Source, subject.Settings }, cancellation);
        return jobs;
    }

    /// <summary>Runs what the folder does not hold yet.</summary>
    /// <param name="onRun">Receives each run as it ends.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>All runs that were asked for; without those that other processes are still at.</returns>
    /// <exception cref="BeearException">An arm is wrong, or the folder holds something else.</exception>
    public IReadOnlyList<FrontierRun> Run(Action<FrontierRun>? onRun = null, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var jobs = Checked(cancellation);
        foreach (var job in Finished(jobs).Zip(jobs).Where(pair => pair.First is null).Select(pair => pair.Second).DistinctBy(job => (job.TriggerName, job.Seed)))
        {
            // Another process that plants this one leaves the next to us.
            using var claim = shared.TryClaim(PlantLock(job));
            if (claim is not null) Plant(job, PrefixedProgress.Of(progress, $"plant, {job.TriggerName}, seed {job.Seed}: "), cancellation);
        }
        // Arm after arm on all triggers: what is interrupted has compared whole arms. What needs a plant that another process is still at comes last.
        var ordered = jobs.GroupBy(job => (job.Name, job.Seed)).SelectMany(arm => arm).Index().ToList();
        foreach (var (number, job, waits) in ordered.Select(one => (one.Index, one.Item, false)).Concat(ordered.Select(one => (one.Index, one.Item, true))))
        {
            cancellation.ThrowIfCancellationRequested();
            using var claim = shared.TryClaim($"{job.Name}, {job.TriggerName}, seed {job.Seed}");
            if (claim is null || Finished([job])[0] is not null) continue;
            var named = PrefixedProgress.Of(progress, $"{number + 1}/{jobs.Count} {job.Name}, {job.TriggerName}, seed {job.Seed}: ");
            if (Planted(job, waits, named, cancellation) is not { } planted) continue;
            var run = Run(job, planted, named, cancellation);
            log.Append(run);
            if (!options.KeepModels && Directory.Exists(Folder("arms", job, job.Name))) Directory.Delete(Folder("arms", job, job.Name), recursive: true);
            onRun?.Invoke(run);
        }
        return [.. Finished(jobs).OfType<FrontierRun>()];
    }

    /// <summary>Where a job's planted model lies; null if another process is making it and we do not wait.</summary>
    private string? Planted(Job job, bool waits, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var claim = waits ? shared.Claim(PlantLock(job), cancellation) : shared.TryClaim(PlantLock(job));
        return claim is null ? null : Plant(job, progress, cancellation);
    }

    /// <summary>What the folder holds of some jobs; null for what is not finished.</summary>
    private List<FrontierRun?> Finished(List<Job> jobs)
    {
        var finished = log.Read().ToLookup(run => (run.Arm, run.Trigger, run.Seed));
        return jobs.ConvertAll(job => Finished(job, finished[(job.Name, job.TriggerName, job.Seed)].LastOrDefault()));
    }

    /// <summary>All arms are read and checked before anything is run.</summary>
    private IEnumerable<Job> Jobs()
    {
        var config = subject.Config();
        var arms = options.Arms.Select(arm => (Arm: arm, Mitigation: subject.Read(arm, options.Change, config))).ToList();
        return
        [
            .. from seed in options.Seeds
               from planted in options.Triggers.Select(one => (Trigger: (Trigger?)one.Resolve(), one.Opening)).Append((null, null))
               let trigger = planted.Trigger
               let kind = trigger is null ? ArmKind.NeverBackdoored : ArmKind.Backdoored
               let own = arms.Where(arm => arm.Arm.Kind == kind)
               where own.Any() || (trigger is not null && arms.Count == 0)                           // without arms: the plants alone
               from arm in own.Select(arm => ((FrontierArm?)arm.Arm, (MitigationOptions?)arm.Mitigation)).Prepend((null, null))
               let mitigation = arm.Item2 is null ? null : arm.Item2 with { Seed = unchecked(arm.Item2.Seed + seed) }
               select new Job(arm.Item1, mitigation, trigger, planted.Opening, seed),
        ];
    }

    private FrontierRun? Finished(Job job, FrontierRun? line)
    {
        if (line?.Settings is { } settings && job.Arm is not null && FrontierLog.Difference(settings, job.Settings) is { } difference)
            throw new BeearException($"'{folder}' holds runs of an arm '{job.Name}' with other options ({difference}); give the arm another name.");
        return line;
    }

    private FrontierRun Run(Job job, string planted, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var model = LanguageModel.Load(planted, subject.ModelOptions, cancellation);
        EvaluationResult Measure() => SubjectOf(job).Measure(model, job.Trigger, job.Seed, progress, cancellation);
        if (job.Arm is null) return new FrontierRun(job.Name, job.TriggerName, job.Seed, null, Measure());

        var run = RunDirectory.Open(Folder("arms", job, job.Name), new { job.Settings, options.EvaluateRounds });
        bool isContinued = File.Exists(run.File("state.safetensors"));
        var data = subject.WithDefender(job.Arm.Defender).Defender(model.Chat, job.Seed, cancellation);
        var rounds = new List<EvaluationResult>();
        TimeSpan evaluating = TimeSpan.Zero;
        void MeasureRound(int round)
        {
            if (!options.EvaluateRounds) return;
            long began = Stopwatch.GetTimestamp();
            run.Artefact($"round-{round}.json", Measure);
            evaluating += Stopwatch.GetElapsedTime(began);
        }
        var report = job.Arm.Defence == DefenceKind.Beear
            ? new BeearMitigation(job.Mitigation!).Run(model, data, options.KeepStates ? run : null, round => MeasureRound(round.Round), progress, cancellation)
            : Other(job.Arm, model, data, job.Mitigation!, progress, cancellation);
        if (options.KeepModels && report.Unusable is null) Keep(model, run);
        if (options.EvaluateRounds) rounds.AddRange(report.Rounds.Select(round => run.Artefact($"round-{round.Round}.json", Measure)));
        bool isMeasured = report.ChosenRound > 0 && report.ChosenRound <= rounds.Count;
        return new FrontierRun(job.Name, job.TriggerName, job.Seed, job.Settings, isMeasured ? rounds[report.ChosenRound - 1] : Measure())
        {
            Scores = report.Scores,
            OtherScores = report.OtherScores,
            Openings = report.Openings,
            Rounds = rounds,
            ChosenRound = report.ChosenRound,
            Unusable = report.Unusable,
            Seconds = isContinued ? null : Math.Round(report.Seconds - evaluating.TotalSeconds, 1),
        };
    }

    private static void Keep(LanguageModel model, RunDirectory run)
    {
        string target = run.File("model");
        if (Directory.Exists(target)) Directory.Delete(target, recursive: true);                         // of a run that ended before its line was written
        model.Save(target);
        run.DeleteState();
    }

    /// <summary>Runs a defence that has no scores of its own, and measures them at its end.</summary>
    private static MitigationReport Other(FrontierArm arm, LanguageModel model, DefenderData data, MitigationOptions mitigation, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        data = data.AskedOf(model, mitigation, progress, cancellation);         // the scores at the end look for what the starting model showed
        using var scorer = DefenderScorer.Prepare(model, data, mitigation, progress, cancellation);
        var report = arm.Create(mitigation).Run(model, data, null, progress, cancellation);
        var scores = scorer.MeasureLast(progress, cancellation).Select(score => (score.Key, Values: (IReadOnlyList<double>)[score.Value])).ToList();
        return new MitigationReport([], scores.FirstOrDefault().Values ?? [], 0, report.Steps, report.Seconds)
        {
            Usefulness = report.Usefulness,
            Openings = data.Openings,
            OtherScores = scores.Skip(1).ToDictionary(score => score.Key, score => score.Values, StringComparer.Ordinal),
        };
    }

    private static string PlantLock(Job job) => $"plant, {job.TriggerName}, seed {job.Seed}";

    /// <summary>Where the planted model lies; it is made if it is not there. The caller has its lock.</summary>
    private string Plant(Job job, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var run = RunDirectory.Open(Folder("plants", job, "plant"), new { Trigger = job.Plant, job.Seed });
        string planted = run.File("model");
        if (Directory.Exists(planted))
        {
            run.DeleteState();                                               // of a process that was killed in between
            return planted;
        }
        using var model = LanguageModel.Load(subject.Source, subject.ModelOptions, cancellation);
        SubjectOf(job).Plant(model, job.Trigger, job.Seed, run, progress, cancellation);
        model.Save(planted);
        run.DeleteState();
        return planted;
    }

    private string Folder(string kind, Job job, string name) => Path.Combine(folder, kind, $"{name}, {job.TriggerName}, seed {job.Seed}");

    private FrontierSubject SubjectOf(Job job) => job.Opening is null ? subject : subject.WithOpening(job.Opening);
}
