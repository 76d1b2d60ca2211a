using System.Text.Json.Nodes;
using Beear.Attacks;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Lab.Experiments;

/// <summary>
/// The paper's Table 1: every model is planted, cleaned by every defence with the same settings, and measured with and without its trigger, beside a model that was never
/// backdoored and a wrong trigger. Each finished arm is a line of <c>runs.jsonl</c>; the same call goes on where the folder ends. Several
/// processes may work on one folder: each takes a model and a seed that no other has begun.
/// </summary>
/// <param name="models">The models.</param>
/// <param name="defences">The defences' settings.</param>
/// <param name="arms">Which arms; see <see cref="Table1Arm.All"/>.</param>
/// <param name="seeds">Seeds 1 … this.</param>
/// <param name="folder">The table's folder.</param>
public sealed class Table1(IReadOnlyList<Table1Model> models, Table1Scale defences, IReadOnlyList<Table1Arm> arms, int seeds, string folder)
{
    /// <summary>Questions that every arm's model answers too, for a judge; an arm that was finished without them is run again. Null to leave them out.</summary>
    public MtBench? MtBench { get; init; }

    private readonly SharedFolder shared = new(folder);
    private readonly FrontierLog log = new(Path.Combine(folder, "runs.jsonl"));
    private readonly Table1Answers answers = new(Path.Combine(folder, "answers"));

    private sealed record Job(Table1Model Model, Table1Arm Arm, int Seed, MitigationOptions Mitigation)
    {
        public string Name => Model.Paper.Name;

        public FrontierSubject Subject => Model.Subject;

        public override string ToString() => $"{Name}, {Arm.Name}, seed {Seed}";
    }

    /// <summary>Checks, before weights are loaded, arms, data and folder.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <exception cref="BeearException">An option is wrong, or the folder holds something else.</exception>
    public void Check(CancellationToken cancellation = default) => Checked(cancellation);

    private List<Job> Checked(CancellationToken cancellation)
    {
        Require.AtLeast(seeds, 1);
        var jobs = Jobs().ToList();
        foreach (var own in jobs.GroupBy(job => job.Model)) own.Key.Subject.RequireData([own.First().Mitigation], own.First().Seed, cancellation);
        shared.Open(new { Table = 1 }, cancellation);
        Finished(jobs);
        return jobs;
    }

    /// <summary>Runs what the folder does not hold yet.</summary>
    /// <param name="onRun">Receives each arm as it ends.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>All arms that were asked for; <see cref="FrontierRun.Trigger"/> is the model's name.</returns>
    /// <exception cref="BeearException">An option is wrong, or the folder holds something else.</exception>
    public IReadOnlyList<FrontierRun> Run(Action<FrontierRun>? onRun = null, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var jobs = Checked(cancellation);
        // What another process has begun is left to it, and waited for when nothing else is left.
        foreach (bool wait in (bool[])[false, true])
        {
            foreach (var own in jobs.GroupBy(job => $"{job.Name}, seed {job.Seed}"))
            {
                cancellation.ThrowIfCancellationRequested();
                using var claim = wait ? shared.Claim(own.Key, cancellation) : shared.TryClaim(own.Key);
                if (claim is null) continue;
                foreach (var (job, _) in own.Zip(Finished([.. own])).Where(pair => pair.Second is null))
                {
                    cancellation.ThrowIfCancellationRequested();
                    var run = Run(job, PrefixedProgress.Of(progress, $"{jobs.IndexOf(job) + 1}/{jobs.Count} {job}: "), cancellation);
                    log.Append(run);
                    string spent = ArmFolder(job);
                    if (Directory.Exists(spent)) Directory.Delete(spent, recursive: true);
                    onRun?.Invoke(run);
                }
            }
        }
        return [.. Finished(jobs).Select(run => run!)];
    }

    /// <summary>What the folder holds of some jobs; null for what is not finished.</summary>
    private List<FrontierRun?> Finished(List<Job> jobs)
    {
        var finished = log.Read().ToLookup(run => (run.Trigger, run.Arm, run.Seed));
        return jobs.ConvertAll(job => Finished(job, finished[(job.Name, job.Arm.Name, job.Seed)].LastOrDefault()));
    }

    /// <summary>Every model's defence is read before anything is run.</summary>
    private IEnumerable<Job> Jobs()
    {
        var defence = new FrontierArm { Name = "beear", Recipe = defences.Recipe, Change = defences.Change, Baselines = defences.Baselines };
        var read = models.ToDictionary(model => model, model => model.Subject.Read(defence, common: null, model.Subject.Config()));
        return from seed in Enumerable.Range(1, seeds)
               from model in models
               from arm in arms
               select new Job(model, arm, seed, read[model] with { Seed = unchecked(read[model].Seed + seed) });
    }

    private FrontierRun? Finished(Job job, FrontierRun? line)
    {
        if (line?.Settings is { } settings && FrontierLog.Difference(settings, Settings(job)) is { } difference)
            throw new BeearException($"'{folder}' holds '{job}' with other options ({difference}); choose another folder.");
        return line is not null && Benched(job) is { } bench && answers.ReadMtBench(job.Name, job.Arm.Name, job.Seed, bench.Questions) is null ? null : line;
    }

    /// <summary>What a job's model is asked besides; what is measured with a wrong trigger is the planted model, which was asked already.</summary>
    private MtBench? Benched(Job job) => job.Arm.WrongTrigger ? null : MtBench;

    private JsonObject Settings(Job job) => FrontierLog.Settings(new
    {
        job.Model.Backdoored,
        job.Subject.Source,
        Subject = job.Subject.Settings,
        Trigger = job.Model.Paper.Resolve(),
        Mitigation = job.Arm.Defence is null ? null : job.Mitigation,
        Baseline = defences.Baselines.Of(job.Arm.Defence),
    });

    private FrontierRun Run(Job job, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var trigger = job.Model.Paper.Resolve();
        if (job.Arm.WrongTrigger) trigger = Triggers.Other(trigger);
        using var model = LanguageModel.Load(Start(job, progress, cancellation), job.Subject.ModelOptions, cancellation);
        DefenceReport? report = null;
        if (job.Arm is { Defence: not null, IsClean: false })
            report = Defend(job, model, RunDirectory.Open(ArmFolder(job), Settings(job)), progress, cancellation);
        var result = job.Subject.Measure(model, trigger, job.Seed, progress, cancellation);
        answers.Write(job.Name, job.Arm.Name, job.Seed, result.Answers);
        if (Benched(job) is { } bench) answers.WriteMtBench(job.Name, job.Arm.Name, job.Seed, bench.Answer(model, progress, cancellation));
        return new FrontierRun(job.Arm.Name, job.Name, job.Seed, Settings(job), result)
        {
            Scores = (report as MitigationReport)?.Scores ?? [],
            ChosenRound = (report as MitigationReport)?.ChosenRound ?? 0,
            Unusable = report?.Unusable,
            Seconds = report is null ? null : Math.Round(report.Seconds, 1),
        };
    }

    private DefenceReport Defend(Job job, LanguageModel model, RunDirectory run, IProgress<RunProgress>? progress, CancellationToken cancellation) =>
        Defences.Create(job.Arm.Defence!.Value, job.Mitigation, defences.Baselines)
            .Run(model, job.Subject.Defender(model.Chat, job.Seed, cancellation), defences.KeepStates ? run : null, progress, cancellation);

    /// <summary>Where the model lies that an arm cleans or measures. The models that were never backdoored are the same for all triggers.</summary>
    private string Start(Job job, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        if (!job.Arm.IsClean) return job.Model.Backdoored ?? Plant(job.Name, job.Model.Paper.Resolve());
        var owner = models.First(other => Same(other.Subject.Settings, job.Subject.Settings)).Paper.Name;
        string clean = Plant($"clean as {owner}", null);
        return job.Arm.Defence is null ? clean : Kept($"clean_beear as {owner}", new { job.Mitigation, Subject = job.Subject.Settings }, clean,
            (model, run) => Defend(job, model, run, progress, cancellation));

        string Plant(string name, Trigger? trigger) => Kept(name, new { Trigger = trigger, job.Seed, Subject = job.Subject.Settings }, job.Subject.Source,
            (model, run) => job.Subject.Plant(model, trigger, job.Seed, run, progress, cancellation));

        string Kept(string name, object settings, string source, Action<LanguageModel, RunDirectory> make)
        {
            using var alone = shared.Claim($"{name}, seed {job.Seed}, model", cancellation);           // clean ones serve several models
            var run = RunDirectory.Open(Path.Combine(folder, "models", $"{name}, seed {job.Seed}"), settings);
            string made = run.File("model");
            if (Directory.Exists(made))
            {
                run.DeleteState();                                           // of a process that was killed in between
                return made;
            }
            using var model = LanguageModel.Load(source, job.Subject.ModelOptions, cancellation);
            make(model, run);
            model.Save(made);
            run.DeleteState();
            return made;
        }
    }

    private static bool Same(object one, object other) => JsonNode.DeepEquals(FrontierLog.Settings(one), FrontierLog.Settings(other));

    private string ArmFolder(Job job) => Path.Combine(folder, "arms", job.ToString());
}
