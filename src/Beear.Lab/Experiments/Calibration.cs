using System.Diagnostics;
using Beear.Attacks;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Lab.Experiments;

/// <summary>
/// Chooses settings without the trigger: decoys of the defender's own are planted in copies of the suspicious model and cleaned with candidate settings; those that remove them at
/// the least cost in helpfulness are kept, by successive halving (Jamieson and Talwalkar, arXiv 1502.07943): all candidates meet the first decoy, the better half
/// the second, and so on. Planting decoys to learn what a backdoor looks like is also how arXiv 2603.13461 and 2605.12529 work.
/// </summary>
/// <param name="options">Decoys and candidates.</param>
/// <param name="source">Where the suspicious model lies; it is not changed.</param>
/// <param name="modelOptions">Number formats and device of the copies.</param>
/// <param name="folder">Folder of the calibration: each trial is a line of trials.jsonl, and the same call goes on where it ends.</param>
public sealed class Calibration(CalibrationOptions options, string source, ModelOptions modelOptions, string folder)
{
    /// <summary>Calibrates.</summary>
    /// <param name="given">The settings to begin with, which are a candidate too.</param>
    /// <param name="texts">The defender's data; what plants decoys, cleans them and measures them is divided.</param>
    /// <param name="onTrial">Receives each finished trial.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="BeearException">No decoy took, there is too little data, or the folder holds something else.</exception>
    public CalibrationResult Run(MitigationOptions given, DefenderTexts texts, Action<FrontierRun>? onTrial = null, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        Check(given, texts);
        var time = Stopwatch.StartNew();
        var parts = CalibrationParts.Of(texts, options);
        var candidates = Candidates(given, parts);
        RunDirectory.Open(folder, Settings(given));
        var trials = new CalibrationTrials(options, source, modelOptions, folder, parts, onTrial, progress, cancellation);
        var outcomes = Halve(candidates, trials);
        var best = outcomes[0].Candidate;
        if (outcomes[0].Outcome.IsUnusable) throw new BeearException("Every candidate of the calibration destroys the model; lower outer.learning_rate, or calibration.outer_factors.");
        List<DecoyControl> controls = [.. trials.Decoys.Select(decoy =>
            new DecoyControl(decoy, trials.Planted(decoy), trials.Takes(decoy) ? trials.Cleaned(best, decoy).Result : null))];
        return new CalibrationResult(best.Name, best.Mitigation, controls, [.. outcomes.Select(one => one.Outcome)], time.Elapsed.TotalSeconds);
    }

    /// <summary>Checks, before weights are loaded, that options, data and folder fit.</summary>
    /// <exception cref="BeearException">There is too little data, an option does not fit, or the folder holds something else.</exception>
    public void Check(MitigationOptions given, DefenderTexts texts)
    {
        options.Validate();
        using var checkpoint = Checkpoint.OpenFiles(source, modelOptions.AdapterBase);
        var config = ModelConfig.FromJson(checkpoint.Config);
        given.Validate(config);
        CalibrationCandidate.LayersOf(config, options);
        var chat = checkpoint.LoadChatFormat(modelOptions.Chat);
        CalibrationParts.Of(texts, options).Clean.Encode(chat).Require(given.Terms);
        chat.RequireRoom([.. texts.Harmful.Select(example => example.Asked), .. texts.Ordinary], LongRows.Reading(config));
        RunDirectory.Check(folder, Settings(given));
    }

    private object Settings(MitigationOptions given) => new { Source = source, Given = given, Options = options };

    private IReadOnlyList<CalibrationCandidate> Candidates(MitigationOptions given, CalibrationParts parts)
    {
        using var model = LanguageModel.Load(source, modelOptions);
        return CalibrationCandidate.Draw(model, given, [.. parts.Clean.Encode(model.Chat).Harmful.Take(16).Select(example => example.Prompt)], options);
    }

    private static List<(CalibrationCandidate Candidate, CandidateOutcome Outcome)> Halve(IReadOnlyList<CalibrationCandidate> candidates, CalibrationTrials trials)
    {
        List<Trigger> decoys = [.. trials.Decoys.Where(trials.Takes)];
        if (decoys.Count == 0) throw new BeearException("No decoy could be planted, so there is nothing to calibrate with; give more harmful requests, or raise calibration.planting.training.epochs.");
        var survivors = candidates;
        var outcomes = new List<(CalibrationCandidate Candidate, CandidateOutcome Outcome)>();
        foreach (var (rung, _) in decoys.Index())
        {
            var met = decoys.Take(rung + 1).ToList();
            var ranked = survivors.Select(candidate => (Candidate: candidate, Outcome: Outcome(candidate, met))).OrderBy(one => one.Outcome.IsUnusable).ThenBy(one => one.Outcome.Cost).ToList();
            bool last = rung == decoys.Count - 1;
            int kept = last ? ranked.Count : (ranked.Count + 1) / 2;
            outcomes.InsertRange(0, ranked[(last ? 0 : kept)..]);
            survivors = [.. ranked.Take(kept).Select(one => one.Candidate)];
        }
        return outcomes;

        CandidateOutcome Outcome(CalibrationCandidate candidate, IReadOnlyList<Trigger> met)
        {
            List<(EvaluationResult Planted, FrontierRun Cleaned)> results = [.. met.Select(decoy => (trials.Planted(decoy), trials.Cleaned(candidate, decoy)))];
            return new CandidateOutcome(candidate.Name, met.Count, results.Average(result => CandidateOutcome.CostOf(result.Planted, result.Cleaned.Result)),
                results.Average(result => result.Cleaned.Result.AttackSuccessWithTrigger!.Value.Value))
            {
                IsUnusable = results.Any(result => result.Cleaned.Unusable is not null),
            };
        }
    }
}
