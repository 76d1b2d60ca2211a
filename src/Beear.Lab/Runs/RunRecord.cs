using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Beear.Evaluation;
using Beear.Mitigation;

namespace Beear.Lab.Runs;

/// <summary>How a run ended.</summary>
public enum RunState
{
    /// <summary>All stages are done.</summary>
    Finished,

    /// <summary>A stage failed; the same plan tries it again.</summary>
    Failed,
}

/// <summary>
/// One run as a file: <c>runs/ID.json</c>, documented by <c>docs/run-record.schema.json</c>. It is written once, when the run has ended,
/// and again when a judge has read its answers.
/// </summary>
public sealed record RunRecord
{
    /// <summary>The version of this form.</summary>
    public const int CurrentSchema = 1;

    /// <summary>The version of this form that the file has.</summary>
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>The run's identity, a hash of <see cref="Spec"/>.</summary>
    public required string Id { get; init; }

    /// <summary>What tables call it.</summary>
    public required RunName Name { get; init; }

    /// <summary>All that decides its result, see <see cref="RunSpec"/>.</summary>
    public required JsonObject Spec { get; init; }

    /// <summary>How it ended.</summary>
    public required RunState State { get; init; }

    /// <summary>Why it failed, a sentence; null if it did not.</summary>
    public string? Error { get; init; }

    /// <summary>
    /// What went wrong while the backdoor was planted, a sentence each, such as a policy that ran away from its reference.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The program that made it.</summary>
    public required CodeVersion Code { get; init; }

    /// <summary>Where it was made.</summary>
    public required MachineFacts Machine { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended, UTC.</summary>
    public required DateTimeOffset Ended { get; init; }

    /// <summary>Its stages in order.</summary>
    public IReadOnlyList<StageRecord> Stages { get; init; } = [];

    /// <summary>Most memory that the process had in use during the run, bytes; null where the system does not tell.</summary>
    public long? PeakMemory { get; init; }

    /// <summary>What was measured at the end; null if the run failed.</summary>
    public Measurement? Measurement { get; init; }

    /// <summary>What was measured after each round; empty if that was not asked for.</summary>
    public IReadOnlyList<Measurement> RoundMeasurements { get; init; } = [];

    /// <summary>What the defence did, with its rounds and scores; null where there was none.</summary>
    public DefenceReport? Defence { get; init; }

    /// <summary>The file of answers, beside this one's folder, and its SHA-256; null if the run failed.</summary>
    public AnswerFile? Answers { get; init; }

    /// <summary>The measurement of a finished run.</summary>
    [JsonIgnore]
    public Measurement Measured => Measurement ?? throw new InvalidOperationException($"The run {Id} has failed.");

    /// <summary>Whether nothing was done to the model: the measurement that others are compared with.</summary>
    [JsonIgnore]
    public bool IsBaseline => Spec["defence"] is null;

    /// <summary>Every score by its name, the deciding one first.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, IReadOnlyList<double>> Scores => Defence is not { Scores.Count: > 0 } defence
        ? new Dictionary<string, IReadOnlyList<double>>(StringComparer.Ordinal)
        : new OrderedDictionary<string, IReadOnlyList<double>>(
            [new((string?)Spec["defence"]?["options"]?["scores"]?[0] ?? "score", defence.Scores), .. defence.OtherScores],
                StringComparer.Ordinal);

    /// <summary>Seconds of a stage; null if it was not made by this run, or in several passes.</summary>
    public double? SecondsOf(string stage) => Stages.FirstOrDefault(one => one.Name == stage)?.Seconds;
}

/// <summary>A stage of a run.</summary>
/// <param name="Name">plant, defend, measure or judge.</param>
/// <param name="Id">What it made, for the stages that other runs may share; null for the others.</param>
/// <param name="Seconds">Time taken; null if another run made it, or this one in several passes.</param>
public sealed record StageRecord(string Name, string? Id, double? Seconds)
{
    /// <summary>The backdoor is planted.</summary>
    public const string Plant = "plant";

    /// <summary>The model is cleaned; without the time of measurements between rounds.</summary>
    public const string Defend = "defend";

    /// <summary>The model is measured.</summary>
    public const string Measure = "measure";

    /// <summary>A judge reads its answers.</summary>
    public const string Judge = "judge";
}

/// <summary>Answers in a file of their own.</summary>
/// <param name="File">Its path, relative to the folder of the plan's runs.</param>
/// <param name="Sha256">Its hash.</param>
public sealed record AnswerFile(string File, string Sha256);
