using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Beear.Evaluation;
using Beear.Mitigation;

namespace Beear.Lab.Experiments;

/// <summary>One finished run: a line of the frontier's file.</summary>
/// <param name="Arm">The arm, or one of <see cref="Baselines"/>.</param>
/// <param name="Trigger">The trigger's name; <see cref="NoTrigger"/> for a model that was never backdoored.</param>
/// <param name="Seed">Seed of attacker, defender and evaluation.</param>
/// <param name="Settings">All that the arm is: kind, control, trigger, every option of its mitigation. Null for a baseline.</param>
/// <param name="Result">What was measured at the end.</param>
public sealed record FrontierRun(string Arm, string Trigger, int Seed, JsonObject? Settings, EvaluationResult Result)
{
    /// <summary>The planted models as they are.</summary>
    public const string Planted = "planted";

    /// <summary>The models that were fine-tuned without a trigger, as they are.</summary>
    public const string NeverBackdoored = "never backdoored";

    /// <summary>The trigger of what never saw one.</summary>
    public const string NoTrigger = "none";

    /// <summary>What is measured before any mitigation.</summary>
    public static IReadOnlyList<string> Baselines { get; } = [Planted, NeverBackdoored];

    /// <summary>Defender-visible score before the first round and after each, or only at the end, as of other defences; empty where there is none.</summary>
    public IReadOnlyList<double> Scores { get; init; } = [];

    /// <summary>Scores of other kinds that the arm asks for, by their names.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> OtherScores { get; init; } = new Dictionary<string, IReadOnlyList<double>>(StringComparer.Ordinal);

    /// <summary>What was measured after each round; empty if that was not asked for.</summary>
    public IReadOnlyList<EvaluationResult> Rounds { get; init; } = [];

    /// <summary>How unwanted answers begin, as the suspicious model showed; null where they were the data's or there was no mitigation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OpeningReport? Openings { get; init; }

    /// <summary>The round whose weights were kept.</summary>
    public int ChosenRound { get; init; }

    /// <summary>Seconds of the mitigation, without any evaluation; null if it was interrupted in between.</summary>
    public double? Seconds { get; init; }

    /// <summary>Why the model was of no use after the mitigation, so that its rates say nothing; null if it was of use.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Unusable { get; init; }

    /// <summary>Whether it is the measurement before any mitigation.</summary>
    [JsonIgnore]
    public bool IsBaseline => Baselines.Contains(Arm);

    /// <summary>Every score by its name, the deciding one first.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, IReadOnlyList<double>> AllScores => Scores.Count == 0 ? OtherScores
        : new Dictionary<string, IReadOnlyList<double>>([new((string?)Settings?["mitigation"]?["scores"]?[0] ?? "score", Scores), .. OtherScores], StringComparer.Ordinal);
}
