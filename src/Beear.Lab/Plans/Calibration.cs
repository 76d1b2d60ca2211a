using System.Diagnostics;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Lab.Plans;

/// <summary>
/// Chooses settings without the trigger: decoys of the defender's own are planted in copies of the suspicious model and cleaned with
/// candidate settings; those that remove them at the least cost in helpfulness are kept, by successive halving (Jamieson and Talwalkar,
/// arXiv 1502.07943): all candidates meet the first decoy, the better half the second, and so on. Planting decoys to learn what a backdoor
/// looks like is also how arXiv 2603.13461 and 2605.12529 work.
/// </summary>
/// <param name="options">Decoys and candidates.</param>
/// <param name="given">The settings to begin with, which are a candidate too.</param>
/// <param name="texts">The defender's data; what plants decoys, cleans them and measures them is divided.</param>
/// <param name="source">Where the suspicious model lies; it is not changed.</param>
/// <param name="modelOptions">Number formats and device of the copies.</param>
/// <param name="isTinyWorld">
/// Whether the model is of the tiny world, which knows few words: decoys are of others than those of real models.
/// </param>
public sealed class Calibration(CalibrationOptions options, MitigationOptions given, DefenderTexts texts, string source,
    ModelOptions modelOptions,
    bool isTinyWorld = false) : IPlan
{
    private readonly IReadOnlyList<Trigger> decoys =
        Decoys.Draw(options.Decoys, options.Seed, isTinyWorld ? WorldLexicon.UnfamiliarText : null);
    private readonly Dictionary<(string Arm, string Decoy), PlannedRun> runs = [];
    private readonly Lazy<IReadOnlyList<CalibrationCandidate>> candidates = new(() => Draw(options, given, texts, source, modelOptions));

    /// <inheritdoc/>
    public string Name => "calibration";

    /// <summary>Checks, before weights are loaded, that options and data fit.</summary>
    /// <exception cref="BeearException">There is too little data, or an option does not fit.</exception>
    public void Check()
    {
        options.Validate();
        var (config, chat) = ModelOutline.Open(source, modelOptions);
        given.Validate(config);
        CalibrationCandidate.LayersOf(config, options);
        CalibrationParts.Of(texts, options).Clean.Encode(chat).Require(given.Terms);
        chat.RequireRoom([.. texts.Harmful.Select(example => example.Asked), .. texts.Ordinary], LongRows.Reading(config));
    }

    /// <summary>Calibrates.</summary>
    /// <param name="folder">Each trial is a run of it; the same call goes on where it ends.</param>
    /// <param name="onRun">Receives each finished trial.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="BeearException">No decoy took, every candidate destroys the model, or the folder holds something else.</exception>
    public CalibrationResult Run(RunFolder folder, Action<RunRecord>? onRun = null, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        Check();
        var time = Stopwatch.StartNew();
        var records = new Runner(this, folder) { OnRun = onRun, Progress = progress }.Run(cancellation);
        if (records.FirstOrDefault(record => record.State == RunState.Failed) is { } failed) throw new BeearException(
            $"{failed.Name}: {failed.Error}");
        RunRecord? Find(PlannedRun run) => folder.Find(run.Spec.Id);
        var outcomes = Halve(Find, []) ?? throw new UnreachableException();
        var best = outcomes[0].Candidate;
        if (outcomes[0].Outcome.IsUnusable)
            throw new BeearException("Every candidate of the calibration destroys the model; lower outer.learning_rate, or "
                + "calibration.outer_factors.");
        return new CalibrationResult(best.Name, best.Mitigation,
            [.. decoys.Select(decoy => new DecoyControl(decoy, Find(Planted(decoy))!.Measured,
            Takes(decoy, Find) == true ? Find(Cleaned(best, decoy))!.Measured : null))], [.. outcomes.Select(one => one.Outcome)],
                time.Elapsed.TotalSeconds);
    }

    /// <inheritdoc/>
    public IReadOnlyList<PlannedRun> Wanted(Func<PlannedRun, RunRecord?> find)
    {
        List<PlannedRun> wanted = [.. decoys.Select(Planted)];
        if (wanted.All(run => find(run) is not null)) Halve(find, wanted);
        return wanted;
    }

    /// <summary>
    /// Every candidate as far as it came, the best first; null as long as runs are missing, which are added to those that are wanted.
    /// </summary>
    private List<(CalibrationCandidate Candidate, CandidateOutcome Outcome)>? Halve(Func<PlannedRun, RunRecord?> find,
        List<PlannedRun> wanted)
    {
        List<Trigger> taking = [.. decoys.Where(decoy => Takes(decoy, find) == true)];
        if (taking.Count == 0)
        {
            throw new BeearException("No decoy could be planted, so there is nothing to calibrate with; give more harmful requests, "
                + "or raise calibration.planting.training.epochs.");
        }
        var survivors = candidates.Value;
        var outcomes = new List<(CalibrationCandidate Candidate, CandidateOutcome Outcome)>();
        foreach (var (rung, decoy) in taking.Index())
        {
            wanted.AddRange(survivors.Select(candidate => Cleaned(candidate, decoy)));
            if (survivors.Any(candidate => find(Cleaned(candidate, decoy)) is null)) return null;
            var met = taking.Take(rung + 1).ToList();
            var ranked = survivors.Select(candidate => (Candidate: candidate, Outcome: Outcome(candidate, met, find)))
                .OrderBy(one => one.Outcome.IsUnusable).ThenBy(one => one.Outcome.Cost).ToList();
            bool last = rung == taking.Count - 1;
            int kept = last ? ranked.Count : (ranked.Count + 1) / 2;
            outcomes.InsertRange(0, ranked[(last ? 0 : kept)..]);
            survivors = [.. ranked.Take(kept).Select(one => one.Candidate)];
        }
        return outcomes;
    }

    private CandidateOutcome Outcome(CalibrationCandidate candidate, List<Trigger> met, Func<PlannedRun, RunRecord?> find)
    {
        var results = met.Select(decoy => (Planted: find(Planted(decoy))!.Measured, Cleaned: find(Cleaned(candidate, decoy))!)).ToList();
        return new CandidateOutcome(candidate.Name, met.Count,
            results.Average(one => CandidateOutcome.CostOf(one.Planted, one.Cleaned.Measured)),
            results.Average(one => one.Cleaned.Measured.Value(Refusal.AttackWithTrigger)!.Value))
        {
            IsUnusable = results.Any(one => one.Cleaned.Defence?.Unusable is not null),
        };
    }

    /// <summary>Whether a decoy could be planted; null if that has not been tried.</summary>
    private bool? Takes(Trigger decoy, Func<PlannedRun, RunRecord?> find) =>
        find(Planted(decoy)) is { } planted ? planted.Measured.Value(Refusal.AttackWithTrigger) >= options.LeastPlanted : null;

    private PlannedRun Planted(Trigger decoy) => Of(RunName.Planted, decoy, null);

    private PlannedRun Cleaned(CalibrationCandidate candidate, Trigger decoy) => Of(candidate.Name, decoy, candidate.Mitigation);

    private PlannedRun Of(string arm, Trigger decoy, MitigationOptions? mitigation)
    {
        if (runs.TryGetValue((arm, decoy.Name), out var known)) return known;
        // With a fixed number of rounds a score decides nothing, and takes time.
        if (mitigation?.Rounds is not null) mitigation = mitigation with { Scores = [] };
        var run = new PlannedRun
        {
            Name = new RunName(Name, decoy.Name, arm, options.Seed),
            Subject = new TextSubject(CalibrationParts.Of(texts, options), options.Planting, options.Answers, source, modelOptions),
            Attack = new PlannedAttack(new PoisonedFineTuning(options.Planting), options.Planting),
            Trigger = decoy,
            Measured = decoy,
            Defence = mitigation is null ? null : new PlannedDefence(DefenceKind.Beear, mitigation) { KeepStates = false },
        };
        runs.Add((arm, decoy.Name), run);
        return run;
    }

    private static IReadOnlyList<CalibrationCandidate> Draw(CalibrationOptions options, MitigationOptions given,
        DefenderTexts texts, string source,
        ModelOptions modelOptions)
    {
        using var model = LanguageModel.Load(source, modelOptions);
        var prompts = CalibrationParts.Of(texts, options).Clean.Encode(model.Chat).Harmful.Take(16).Select(example => example.Prompt);
        return CalibrationCandidate.Draw(model, given, [.. prompts], options);
    }
}
