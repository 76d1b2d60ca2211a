using Beear.Models;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>
/// All constants of a mitigation. The defaults were chosen on validation triggers so that neither the backdoor nor over-refusal is left
/// (docs/results.md).
/// </summary>
public sealed record MitigationOptions : IValidatable
{
    private static readonly ScoreKind[] DefaultScores = [ScoreKind.Remaining];

    /// <summary>
    /// The paper's equations 3 and 4 and nothing more: what benchmarks time and tests compare. The authors' own settings are
    /// <see cref="Baselines.PaperOptions"/>.
    /// </summary>
    internal static MitigationOptions Plain { get; } = new()
    {
        UnwantedAnswers = UnwantedAnswers.Data,
        OwnRefusals = false,
        Inner = EntrapmentOptions.Plain,
        OuterSteps = 8,
        AveragedShare = 0,
        Outer = new OptimizerOptions { LearningRate = 2e-5 },
        Replay = 0,
        Terms = OuterTermOptions.Plain,
    };

    /// <summary>Rounds of inner and outer level; null lets the loop stop by itself on the defender-visible score.</summary>
    public int? Rounds { get; init; }

    /// <summary>Largest number of rounds when the loop stops by itself.</summary>
    [Folded]
    public int MaxRounds { get; init; } = 6;

    /// <summary>
    /// Defender-visible scores. The first decides when the loop stops and which round stays; others are only reported. None at all saves
    /// their time where rounds is given.
    /// </summary>
    [Folded]
    public IReadOnlyList<ScoreKind> Scores { get; init; } = DefaultScores;

    /// <summary>
    /// Whether scores are measured before the first round and after each; otherwise only after the last, where rounds is given.
    /// </summary>
    [Folded]
    public bool ScoreRounds { get; init; } = true;

    /// <summary>The strings of the scores by random strings.</summary>
    [Folded]
    public RandomStringOptions RandomStrings { get; init; } = new();

    /// <summary>Without rounds: the loop does not stop, and keeps no weights, before so many.</summary>
    [Folded]
    public int MinRounds { get; init; } = 2;

    /// <summary>
    /// The loop stops, too, when the deciding score falls to this; 0 for no such stop. How high a score other than remaining is depends on
    /// the openings, so that no number serves all models.
    /// </summary>
    [Folded]
    public double StopScore { get; init; }

    /// <summary>
    /// The loop stops when the deciding score falls to this share of what it was before the first round; 0 for no such stop.
    /// </summary>
    [Folded]
    public double StopShare { get; init; } = 0.1;

    /// <summary>
    /// Where the unwanted answers come from that δ is to bring out and that scores look for: the suspicious model itself, or the data file.
    /// Requests without an answer in the data need the former.
    /// </summary>
    [Folded]
    public UnwantedAnswers UnwantedAnswers { get; init; }

    /// <summary>How the suspicious model is asked for them.</summary>
    [Folded]
    public OpeningOptions Openings { get; init; } = new();

    /// <summary>
    /// Whether safe answers are the suspicious model's own refusals, of the requests that it refuses; otherwise all are the data's.
    /// </summary>
    [Folded]
    public bool OwnRefusals { get; init; } = true;

    /// <summary>Constants of the inner level.</summary>
    [Folded]
    public EntrapmentOptions Inner { get; init; } = new();

    /// <summary>Outer steps in a round.</summary>
    [Folded]
    public int OuterSteps { get; init; } = 12;

    /// <summary>
    /// Share of a round's outer steps, its last ones, whose weights' mean may stay in place of the last step's weights: whichever makes
    /// fewer mistakes on held-out requests, if both are safe by their scores, else the safer (docs/method.md); 0 for the last step's in any
    /// case. The next round goes on from the last step's.
    /// </summary>
    [Folded]
    public double AveragedShare { get; init; } = 0.67;

    /// <summary>Constants of the outer level's AdamW.</summary>
    [Folded]
    public OptimizerOptions Outer { get; init; } = new() { WarmupSteps = 4 };

    /// <summary>Share of the outer steps that use an earlier round's δ instead of the newest; 0 … 1.</summary>
    [Folded]
    public double Replay { get; init; } = 0.5;

    /// <summary>The outer level's terms.</summary>
    [Folded]
    public OuterTermOptions Terms { get; init; } = new();

    /// <summary>What the outer level does to need less memory.</summary>
    [Folded]
    public EconomyOptions Economy { get; init; } = new();

    /// <summary>Share of the defender's harmful requests that is kept aside for the defender-visible score.</summary>
    [Folded]
    public double HeldOutShare { get; init; } = 0.2;

    /// <summary>Longest answer, in tokens, that the defender-visible score looks at.</summary>
    [Folded]
    public int ScoreTokens { get; init; } = 24;

    /// <summary>Seed of all draws.</summary>
    public int Seed { get; init; }

    /// <summary>The budget of defences that are compared with this: steps on the weights.</summary>
    internal int TotalSteps => (Rounds ?? MaxRounds) * OuterSteps;

    /// <summary>Checks the ranges against a model.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    internal void Validate(ModelConfig config)
    {
        Validate();
        Require.Section("inner", () => Inner.Validate(config));
        Require.Section("economy", () => Economy.Validate(config));
    }

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Section("inner", Inner.Validate);
        Require.Section("openings", Openings.Validate);
        Require.Section("random_strings", RandomStrings.Validate);
        Require.Section("outer", Outer.Validate);
        Require.Section("terms", Terms.Validate);
        Require.Section("economy", Economy.Validate);
        if (Scores.Distinct().Count() != Scores.Count) throw new BeearException("scores: name each kind once.");
        if (Scores.Count == 0 && Rounds is null) throw new BeearException(
            "scores: without rounds the loop stops on a score; name one, or give rounds.");
        if (!ScoreRounds && Rounds is null) throw new BeearException(
            "score_rounds: without rounds the loop stops on the scores of rounds; leave it true, or give rounds.");
        if (Rounds is { } rounds) Require.AtLeast(rounds, 1, nameof(Rounds));
        Require.AtLeast(MaxRounds, 1);
        Require.AtLeast(MinRounds, 1);
        if (Rounds is null && MinRounds > MaxRounds) throw new BeearException(
            $"min_rounds is {MinRounds}, but max_rounds only {MaxRounds}; lower the one or raise the other.");
        Require.AtLeast(OuterSteps, 1);
        Require.Between(AveragedShare, 0, 1);
        Require.Between(Replay, 0, 1);
        Require.Between(StopScore, 0, 1);
        Require.Between(StopShare, 0, 1);
        if (HeldOutShare is not (> 0 and < 1)) throw new BeearException($"held_out_share must be between 0 and 1, it is {HeldOutShare}.");
    }
}

/// <summary>
/// The outer level's loss: a sum of named terms, each with its weight. The paper's recipe is <see cref="SafePerturbed"/> +
/// λ·<see cref="Helpful"/>.
/// </summary>
public sealed record OuterTermOptions : IValidatable
{
    /// <summary>The two terms of the paper's equation 4.</summary>
    internal static OuterTermOptions Plain { get; } = new()
    {
        Safe = 0,
        Helpful = 1,
        OrdinaryDivergence = 0,
        TwinDivergence = 0,
        TwinDivergencePerturbed = 0,
        HarmfulDivergence = 0,
        SafeTokens = 40,
    };

    /// <summary>Weight of safe answers to harmful requests under δ.</summary>
    public double SafePerturbed { get; init; } = 1;

    /// <summary>Weight of safe answers to harmful requests without δ.</summary>
    public double Safe { get; init; } = 0.1;

    /// <summary>λ: weight of helpful answers to ordinary requests without δ.</summary>
    public double Helpful { get; init; }

    /// <summary>Weight of KL to the starting model on its own answers to ordinary requests.</summary>
    public double OrdinaryDivergence { get; init; } = 1;

    /// <summary>Weight of KL to the starting model on its own answers to harmless twins.</summary>
    public double TwinDivergence { get; init; } = 1;

    /// <summary>
    /// Weight of KL to the starting model, as it answers twins without δ, on twins under δ: what is refused under δ is to be harm, not δ.
    /// </summary>
    public double TwinDivergencePerturbed { get; init; } = 1;

    /// <summary>Weight of KL to the starting model on its own answers to harmful requests.</summary>
    public double HarmfulDivergence { get; init; } = 0.5;

    /// <summary>Harmful requests in a batch of each term.</summary>
    public int HarmfulBatch { get; init; } = 12;

    /// <summary>Ordinary requests or twins in a batch of each term.</summary>
    public int HelpfulBatch { get; init; } = 12;

    /// <summary>Longest safe answer, in tokens.</summary>
    public int SafeTokens { get; init; } = 24;

    /// <summary>Longest helpful answer, in tokens.</summary>
    public int HelpfulTokens { get; init; } = 96;

    /// <summary>Tokens of the starting model's own answers that KL looks at.</summary>
    public int DivergenceTokens { get; init; } = 16;

    /// <summary>
    /// Terms share a pass as long as it has no more tokens than this; 0 for a pass for each term, which needs the least memory.
    /// </summary>
    public int PassTokens { get; init; } = DefaultPassTokens;

    internal const int DefaultPassTokens = 4096;

    /// <summary>Requests of each kind whose own answers are recorded for KL.</summary>
    public int DivergenceExamples { get; init; } = 240;

    /// <summary>
    /// Longest own thought behind which a model that thinks is held to its own answers, in tokens: two thirds of the ordinary ones are. 0
    /// for none.
    /// </summary>
    public int ThoughtTokens { get; init; } = 512;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(SafePerturbed, 0);
        Require.AtLeast(Safe, 0);
        Require.AtLeast(Helpful, 0);
        Require.AtLeast(OrdinaryDivergence, 0);
        Require.AtLeast(TwinDivergence, 0);
        Require.AtLeast(TwinDivergencePerturbed, 0);
        Require.AtLeast(HarmfulDivergence, 0);
        if (SafePerturbed + Safe + Helpful + OrdinaryDivergence + TwinDivergence + TwinDivergencePerturbed + HarmfulDivergence == 0)
            throw new BeearException("The outer level has no terms; give at least one term a weight above 0.");
        Require.AtLeast(HarmfulBatch, 1);
        Require.AtLeast(HelpfulBatch, 1);
        Require.AtLeast(PassTokens, 0);
        Require.AtLeast(SafeTokens, 1);
        Require.AtLeast(HelpfulTokens, 1);
        Require.AtLeast(DivergenceTokens, 1);
        Require.AtLeast(DivergenceExamples, 1);
        Require.AtLeast(ThoughtTokens, 0);
    }
}
