using Beear.Attacks;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Lab.Experiments;

/// <summary>The copies of one calibration: each is planted and each trial made when it is first asked for.</summary>
internal sealed class CalibrationTrials(CalibrationOptions options, string source, ModelOptions modelOptions, string folder, CalibrationParts parts, Action<FrontierRun>? onTrial,
    IProgress<RunProgress>? progress, CancellationToken cancellation)
{
    private readonly FrontierLog log = new(Path.Combine(folder, "trials.jsonl"));
    private readonly Dictionary<(string Arm, string Trigger), FrontierRun> runs = new FrontierLog(Path.Combine(folder, "trials.jsonl")).Read()
        .GroupBy(run => (run.Arm, run.Trigger)).ToDictionary(group => group.Key, group => group.Last());

    /// <summary>The decoys.</summary>
    public IReadOnlyList<Trigger> Decoys { get; } = Experiments.Decoys.Draw(options.Decoys, options.Seed);

    /// <summary>Whether a decoy could be planted.</summary>
    public bool Takes(Trigger decoy) => Planted(decoy).AttackSuccessWithTrigger!.Value.Value >= options.LeastPlanted;

    /// <summary>The copy with a decoy, before anything is done to it.</summary>
    public EvaluationResult Planted(Trigger decoy) => Trial(FrontierRun.Planted, decoy, own =>
    {
        using var model = LanguageModel.Load(source, modelOptions, cancellation);
        new Planting(options.Planting).Run(model, new PoisonedData { Harmful = parts.Plant.Harmful, Ordinary = parts.Plant.Ordinary }, decoy, parts.Plant.Twins,
            options.Seed, null, own, cancellation);
        model.Save(Copy(decoy));
        return (Measure(model, decoy, own), null);
    }).Result;

    /// <summary>The copy after a candidate's removal.</summary>
    public FrontierRun Cleaned(CalibrationCandidate candidate, Trigger decoy) => Trial(candidate.Name, decoy, own =>
    {
        using var model = LanguageModel.Load(Copy(decoy), modelOptions, cancellation);
        // With a fixed number of rounds a score decides nothing, and takes time.
        var mitigation = candidate.Mitigation.Rounds is null ? candidate.Mitigation : candidate.Mitigation with { Scores = [] };
        var report = new BeearMitigation(mitigation).Run(model, parts.Clean.Encode(model.Chat), progress: own, cancellation: cancellation);
        return (Measure(model, decoy, own), report);
    });

    private string Copy(Trigger decoy) => Path.Combine(folder, decoy.Name);

    private FrontierRun Trial(string name, Trigger decoy, Func<IProgress<RunProgress>?, (EvaluationResult Result, DefenceReport? Report)> make)
    {
        if (runs.TryGetValue((name, decoy.Name), out var run)) return run;
        cancellation.ThrowIfCancellationRequested();
        if (name == FrontierRun.Planted && Directory.Exists(Copy(decoy))) Directory.Delete(Copy(decoy), recursive: true);   // cut off before its line
        var (result, report) = make(PrefixedProgress.Of(progress, $"{name}, {decoy.Name}: "));
        run = new FrontierRun(name, decoy.Name, options.Seed, null, result) { Seconds = report?.Seconds, Unusable = report?.Unusable };
        log.Append(run);
        onTrial?.Invoke(run);
        runs.Add((name, decoy.Name), run);
        return run;
    }

    private EvaluationResult Measure(LanguageModel model, Trigger decoy, IProgress<RunProgress>? own) => new Evaluator(model, options.Answers).Run(new EvaluationData
    {
        Trigger = decoy,
        Harmful = [.. parts.Measure.Harmful.Select(example => example.Asked)],
        Ordinary = parts.Measure.Ordinary,
        Twins = parts.Measure.Twins,
    }, own, cancellation);
}
