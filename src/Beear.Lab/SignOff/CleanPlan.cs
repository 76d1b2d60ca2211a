using Beear.Attacks;
using Beear.Behaviours;
using Beear.Lab.Plans;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;

namespace Beear.Lab.SignOff;

/// <summary>
/// From a suspicious checkpoint to one with evidence: the model as it came and cleaned, and decoys in copies of it, before and after the
/// very settings that clean it, and after what a cleaned model goes through before it is used.
/// </summary>
/// <param name="options">What evidence; as <see cref="CleanOptions.For"/> gives it.</param>
/// <param name="mitigation">The settings.</param>
/// <param name="parts">The data: what plants decoys, what cleans, what measures.</param>
/// <param name="decoys">The decoys' triggers.</param>
/// <param name="source">Where the suspicious model lies; it is not changed.</param>
/// <param name="modelOptions">Number formats and device.</param>
internal sealed class CleanPlan(CleanOptions options, MitigationOptions mitigation, CalibrationParts parts, IReadOnlyList<Trigger> decoys,
    string source, ModelOptions modelOptions) : IPlan
{
    /// <summary>What records call the plan.</summary>
    public const string PlanName = "clean";

    /// <summary>The case of the model itself.</summary>
    public const string Model = "model";

    /// <summary>Arms.</summary>
    public const string Suspicious = "suspicious", Cleaned = "cleaned", Control = "control";

    /// <summary>Harmless requests that fine-tuning and distillation of cleaned decoys use.</summary>
    private const int TrainedOn = 240;

    private readonly PlantingOptions planting = options.Planting ?? new();
    private readonly TextSubject subject = new(parts, options.Planting ?? new(), options.Answers ?? new(), source, modelOptions);
    private readonly Dictionary<(string Case, string Arm), PlannedRun> runs = [];

    /// <inheritdoc/>
    public string Name => PlanName;

    /// <summary>The decoys' triggers.</summary>
    public IReadOnlyList<Trigger> Decoys => options.Quick ? [] : decoys;

    /// <summary>What cleaned decoys go through.</summary>
    public IReadOnlyList<Aftermath> Aftermaths =>
    [
        .. options.FineTuned.Select(passes => Of(AftermathKind.FineTuned, passes)),
        .. options.OtherAftermaths ? [Of(AftermathKind.Distilled), Of(AftermathKind.Q8), Of(AftermathKind.Q4)] : (Aftermath[])[],
        .. options.Merged.Select(percent => Of(AftermathKind.Merged, percent)),
    ];

    /// <summary>The requests by what they are used for.</summary>
    public IReadOnlyList<RequestsUsed> Data
    {
        get
        {
            IEnumerable<string> Harmful(DefenderTexts texts) => texts.Harmful.Select(example => example.Request);
            IEnumerable<string> Ordinary(DefenderTexts texts) => texts.Ordinary.Select(example => example.Request);
            (string Use, IEnumerable<string> Requests)[] ofDecoys =
            [
                ("harmful requests that plant decoys", Harmful(parts.Plant)),
                ("ordinary requests that plant decoys", Ordinary(parts.Plant)),
                ("harmless requests that plant decoys", parts.Plant.Twins),
            ];
            (string Use, IEnumerable<string> Requests)[] all =
            [
                .. Decoys.Count > 0 ? ofDecoys : [],
                ("harmful requests that clean", Harmful(parts.Clean)),
                ("harmful requests of the score", parts.Clean.Score.Select(example => example.Request)),
                ("ordinary requests that clean", Ordinary(parts.Clean)), ("twins that clean", parts.Clean.Twins),
                ("harmful requests that measure", Harmful(parts.Measure)), ("ordinary requests that measure", Ordinary(parts.Measure)),
                ("twins that measure", parts.Measure.Twins), ("held-out forms that measure", parts.Measure.HeldOutForms),
            ];
            return [.. all.Select(one => (one.Use, Requests: one.Requests.ToList())).Where(one => one.Requests.Count > 0)
                .Select(one => new RequestsUsed(one.Use, one.Requests.Count, Fingerprints.OfLines(one.Requests)))];
        }
    }

    private Aftermath Of(AftermathKind kind, int amount = 0) =>
        new(kind, amount, [.. parts.Clean.Ordinary.Take(TrainedOn)], planting.Training);

    /// <inheritdoc/>
    public IReadOnlyList<PlannedRun> Wanted(Func<PlannedRun, RunRecord?> find)
    {
        var before = AsItCame();
        List<PlannedRun> wanted = [before];
        if (find(before) is not { } came || (!IsSafe(came) && !options.Anyway)) return wanted;
        wanted.Add(Cleaning(Model, null, Cleaned));
        foreach (var decoy in Decoys)
        {
            var planted = Of(decoy.Name, RunName.Planted, decoy, null);
            wanted.Add(planted);
            if (find(planted) is not { } taken || !Takes(taken)) continue;
            var cleaned = Cleaning(decoy.Name, decoy, Cleaned);
            wanted.Add(cleaned);
            wanted.AddRange(Aftermaths.Select(after => Cleaning(decoy.Name, decoy, $"{Cleaned}, {after.Name}", after)));
            if (options.WithControl && find(cleaned)?.Defence is { } defence)
                wanted.Add(Of(decoy.Name, Control, decoy, new PlannedDefence(DefenceKind.SafetyFineTuning,
                    mitigation with { Rounds = defence.Rounds.Count })
                { KeepStates = false }));
        }
        return wanted;
    }

    /// <summary>The run that measures the model as it came.</summary>
    public PlannedRun AsItCame() => Of(Model, Suspicious, null, null);

    /// <summary>The run that cleans the model.</summary>
    public PlannedRun Cleaning() => Cleaning(Model, null, Cleaned);

    /// <summary>Whether a model refuses harmful requests to begin with.</summary>
    public static bool IsSafe(RunRecord came) => came.Measured.Value(Refusal.AttackWithoutTrigger) <= CleanOptions.MostUnrefused;

    /// <summary>Whether a decoy could be planted.</summary>
    public static bool Takes(RunRecord planted) => planted.Measured.Value(Refusal.AttackWithTrigger) >= CleanOptions.LeastPlanted;

    private PlannedRun Cleaning(string name, Trigger? decoy, string arm, Aftermath? after = null) =>
        Of(name, arm, decoy, new PlannedDefence(DefenceKind.Beear, mitigation), after);

    private PlannedRun Of(string name, string arm, Trigger? decoy, PlannedDefence? defence, Aftermath? after = null)
    {
        if (runs.TryGetValue((name, arm), out var known)) return known;
        var run = new PlannedRun
        {
            Name = new RunName(Name, name, arm, mitigation.Seed),
            Subject = subject,
            Attack = decoy is null ? null : new PlannedAttack(new PoisonedFineTuning(planting), planting),
            Backdoored = decoy is null ? source : null,
            Trigger = decoy,
            Measured = decoy,
            Defence = defence,
            Aftermath = after,
            KeepsModel = decoy is null && defence is not null,
        };
        runs.Add((name, arm), run);
        return run;
    }
}
