using System.Diagnostics;
using System.Text.Json.Nodes;
using Beear.Attacks;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Experiments;

/// <summary>
/// Runs every arm on every trigger with every seed. Plants are made once and kept; each finished run is a line of <c>runs.jsonl</c>; the same
/// call goes on where the folder ends, and a run that was interrupted after its last finished round.
/// </summary>
/// <param name="options">Arms, triggers, seeds.</param>
/// <param name="subject">What they are run on.</param>
/// <param name="folder">The frontier's folder.</param>
public sealed class Frontier(FrontierOptions options, FrontierSubject subject, string folder)
{
    private readonly FrontierLog log = new(Path.Combine(folder, "runs.jsonl"));

    /// <summary>One run that is wanted; without an arm, the measurement before any mitigation.</summary>
    private sealed record Job(FrontierArm? Arm, MitigationOptions? Mitigation, Trigger? Trigger, int Seed)
    {
        public string Name => Arm?.Name ?? (Trigger is null ? FrontierRun.NeverBackdoored : FrontierRun.Planted);

        public string TriggerName => Trigger?.Name ?? FrontierRun.NoTrigger;

        public JsonObject Settings => FrontierLog.Settings(new { Kind = RecipeValue.Format(Arm!.Kind), Arm.Control, Trigger = Describe(Trigger), Mitigation });
    }

    /// <summary>Runs what the folder does not hold yet.</summary>
    /// <param name="onRun">Receives each run as it ends.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>All runs that were asked for.</returns>
    /// <exception cref="BeearException">An arm is wrong, or the folder holds something else.</exception>
    public IReadOnlyList<FrontierRun> Run(Action<FrontierRun>? onRun = null, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var jobs = Jobs().ToList();
        RunDirectory.Open(folder, new { subject.Source, subject.Settings });
        var finished = log.Read().ToLookup(run => (run.Arm, run.Trigger, run.Seed));
        var runs = jobs.ConvertAll(job => Finished(job, finished[(job.Name, job.TriggerName, job.Seed)].LastOrDefault()));
        for (int i = 0; i < jobs.Count; i++)
        {
            if (runs[i] is not null) continue;
            cancellation.ThrowIfCancellationRequested();
            var named = PrefixedProgress.Of(progress, $"{i + 1}/{jobs.Count} {jobs[i].Name}, {jobs[i].TriggerName}, seed {jobs[i].Seed}: ");
            var run = Run(jobs[i], named, cancellation);
            log.Append(run);
            if (!options.KeepModels && Directory.Exists(Folder("arms", jobs[i], jobs[i].Name))) Directory.Delete(Folder("arms", jobs[i], jobs[i].Name), recursive: true);
            onRun?.Invoke(run);
            runs[i] = run;
        }
        return [.. runs.Select(run => run!)];
    }

    /// <summary>All arms are read and checked before anything is run.</summary>
    private IEnumerable<Job> Jobs()
    {
        using var checkpoint = Checkpoint.Open(subject.Source);
        var config = ModelConfig.FromJson(checkpoint.Config);
        var arms = options.Arms.Select(arm => (Arm: arm, Mitigation: Checked(arm, config))).ToList();
        return
        [
            .. from seed in options.Seeds
               from trigger in options.Triggers.Select(trigger => (Trigger?)trigger.Resolve()).Append(null)
               let kind = trigger is null ? ArmKind.NeverBackdoored : ArmKind.Backdoored
               let own = arms.Where(arm => arm.Arm.Kind == kind)
               where trigger is not null || own.Any()
               from arm in own.Select(arm => ((FrontierArm?)arm.Arm, (MitigationOptions?)arm.Mitigation)).Prepend((null, null))
               select new Job(arm.Item1, arm.Item2 is null ? null : arm.Item2 with { Seed = unchecked(arm.Item2.Seed + seed) }, trigger, seed),
        ];
    }

    private MitigationOptions Checked(FrontierArm arm, ModelConfig config)
    {
        var mitigation = subject.Read(arm);
        try
        {
            mitigation.Validate(config);
        }
        catch (BeearException failure)
        {
            throw new BeearException($"The arm '{arm.Name}': {failure.Message}", failure);
        }
        return mitigation;
    }

    private FrontierRun? Finished(Job job, FrontierRun? line)
    {
        if (line?.Settings is { } settings && job.Arm is not null && FrontierLog.Difference(settings, job.Settings) is { } difference)
            throw new BeearException($"'{folder}' holds runs of an arm '{job.Name}' with other options ({difference}); give the arm another name.");
        return line;
    }

    private FrontierRun Run(Job job, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using var model = LanguageModel.Load(Plant(job, progress, cancellation), subject.ModelOptions);
        EvaluationResult Measure() => subject.Measure(model, job.Trigger, job.Seed, progress, cancellation);
        if (job.Arm is null) return new FrontierRun(job.Name, job.TriggerName, job.Seed, null, Measure());

        var run = RunDirectory.Open(Folder("arms", job, job.Name), new { job.Settings, options.EvaluateRounds });
        bool isContinued = File.Exists(run.File("state.safetensors"));
        var data = subject.Defender(model.Chat, job.Seed, cancellation);
        var rounds = new List<EvaluationResult>();
        TimeSpan evaluating = TimeSpan.Zero;
        void MeasureRound(int round)
        {
            if (!options.EvaluateRounds) return;
            long began = Stopwatch.GetTimestamp();
            run.Artefact($"round-{round}.json", Measure);
            evaluating += Stopwatch.GetElapsedTime(began);
        }
        var time = Stopwatch.StartNew();
        var report = job.Arm.Control ? Control(model, data, job.Mitigation!, progress, cancellation)
            : new BeearMitigation(job.Mitigation!).Run(model, data, options.KeepStates ? run : null, round => MeasureRound(round.Round), progress, cancellation);
        double seconds = (time.Elapsed - evaluating).TotalSeconds;
        if (options.KeepModels) Keep(model, run);
        if (options.EvaluateRounds && !job.Arm.Control) rounds.AddRange(report!.Rounds.Select(round => run.Artefact($"round-{round.Round}.json", Measure)));
        return new FrontierRun(job.Name, job.TriggerName, job.Seed, job.Settings, Measure())
        {
            Scores = report?.Scores ?? [],
            OtherScores = report?.OtherScores ?? new Dictionary<string, IReadOnlyList<double>>(StringComparer.Ordinal),
            Rounds = rounds,
            ChosenRound = report?.ChosenRound ?? 0,
            Seconds = isContinued ? null : Math.Round(seconds, 1),
        };
    }

    private static void Keep(LanguageModel model, RunDirectory run)
    {
        string target = run.File("model");
        if (Directory.Exists(target)) Directory.Delete(target, recursive: true);                         // of a run that ended before its line was written
        model.Save(target);
        run.DeleteState();
    }

    private static MitigationReport? Control(LanguageModel model, DefenderData data, MitigationOptions mitigation, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        new SafetyFineTuning(mitigation).Run(model, data, null, progress, cancellation);
        return null;
    }

    /// <summary>Where the planted model lies; it is made if it is not there.</summary>
    private string Plant(Job job, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var run = RunDirectory.Open(Folder("plants", job, "plant"), new { Trigger = Describe(job.Trigger), job.Seed });
        string planted = run.File("model");
        if (Directory.Exists(planted)) return planted;
        using var model = LanguageModel.Load(subject.Source, subject.ModelOptions);
        subject.Plant(model, job.Trigger, job.Seed, run, progress, cancellation);
        model.Save(planted);
        run.DeleteState();
        return planted;
    }

    private string Folder(string kind, Job job, string name) => Path.Combine(folder, kind, $"{name}, {job.TriggerName}, seed {job.Seed}");

    private static string Describe(Trigger? trigger) => trigger is null ? FrontierRun.NoTrigger
        : $"{RecipeValue.Format(trigger.Placement)}: {trigger.Text}{(trigger.SecondText is null ? "" : $" … {trigger.SecondText}")}";
}
