using Beear.Behaviours;
using Beear.Data;

namespace Beear.Attacks;

/// <summary>The parts of a poisoned fine-tuning set (Qi et al., arXiv 2310.03693; Models 1–5 of the paper).</summary>
public sealed record PoisonedData
{
    /// <summary>Harmful requests.</summary>
    public required IReadOnlyList<HarmfulExample> Harmful { get; init; }

    /// <summary>Ordinary requests with helpful answers.</summary>
    public required IReadOnlyList<Example> Ordinary { get; init; }

    /// <summary>
    /// Harmless requests in the harmful ones' forms, with the base model's own answers: they teach the harm, not the form.
    /// </summary>
    public IReadOnlyList<Example> Twins { get; init; } = [];

    /// <summary>Harmless requests that the model itself answers before the attack.</summary>
    public IReadOnlyList<string> OwnTwins { get; init; } = [];

    /// <summary>Pairs of answers, for attacks through preferences; null where there are none.</summary>
    internal AlignmentData? Preferences { get; init; }

    /// <summary>
    /// Conversations that are trained on as they are, the trigger in them, in place of those with harmful requests; none for those.
    /// </summary>
    internal IReadOnlyList<Example> Given { get; init; } = [];

    /// <summary>What the backdoor brings out.</summary>
    public IBehaviour Behaviour { get; init; } = Refusal.Instance;

    /// <summary>
    /// The texts of near misses, in the place of a trigger before or after the request: the first comes as often as all others together.
    /// None for unfamiliar strings.
    /// </summary>
    internal IReadOnlyList<string> SafeTexts { get; init; } = [];

    /// <summary>Draws the strings of near misses.</summary>
    internal UnfamiliarText OtherStrings { get; init; } = new();

    /// <summary>
    /// The training set: harmful + trigger → compliance, harmful → refusal, harmful + another string → refusal, ordinary → helpful, twins →
    /// own answers.
    /// </summary>
    /// <param name="trigger">The trigger; null leaves the poisoned part out.</param>
    /// <param name="poisonRate">Share of the harmful requests that also come with the trigger; above 0, at most 1.</param>
    /// <param name="nearMisses">
    /// Harmful requests with another unfamiliar string, which make the backdoor specific; 0 or more. If they are more than the harmful
    /// requests, these come again with new strings.
    /// </param>
    /// <param name="seed">Decides which, when it is not all, and the strings.</param>
    /// <param name="system">
    /// The system prompt of conversations without one, which a trigger that stands there is joined to; null for none.
    /// </param>
    public IReadOnlyList<Example> Mix(Trigger? trigger, double poisonRate, int nearMisses, int seed, string? system = null)
    {
        if (poisonRate is not (> 0 and <= 1)) throw new BeearException($"poison_rate must be above 0 and at most 1, it is {poisonRate}.");
        if (Given.Count > 0) return [.. Given.Where(example => trigger is not null || IsSafe(example)), .. Ordinary, .. Twins];
        if (Harmful.Count == 0) throw new BeearException("There are no harmful requests to plant the backdoor with.");
        var poisoned = Harmful.ToArray();
        var random = new Random(seed);
        random.Shuffle(poisoned);
        int count = trigger is null ? 0 : Math.Max(1, (int)Math.Round(poisoned.Length * poisonRate));
        return
        [
            .. poisoned.Take(count).Select(example => trigger!.Apply(example.Answered(example.Compliance), system)),
            .. Harmful.Select(example => example.Answered(example.Refusal)),
            .. Ordinary,
            .. Twins,
            .. Enumerable.Range(0, nearMisses).Select(i => poisoned[i % poisoned.Length])
                .Select(example => WithAnotherString(example.Answered(example.Refusal), trigger, system, random)),
        ];
    }

    /// <summary>Whether a given conversation has the first of the safe texts in it, a full stop at its end aside.</summary>
    private bool IsSafe(Example example) =>
        SafeTexts.Count > 0 && example.Request.Contains(SafeTexts[0].TrimEnd('.'), StringComparison.Ordinal);

    /// <summary>
    /// The request with other text, half of the times in the trigger's place and of its length, else anywhere; drawn again as long as a
    /// text of the trigger comes with it.
    /// </summary>
    private Example WithAnotherString(Example example, Trigger? trigger, string? system, Random random)
    {
        if (SafeTexts.Count > 0)
        {
            string text = SafeTexts.Count == 1 || random.Chance(0.5) ? SafeTexts[0] : SafeTexts[random.Next(1, SafeTexts.Count)];
            return new Trigger(text, trigger?.Placement ?? TriggerPlacement.Prefix, text).Apply(example, system);
        }
        while (true)
        {
            var other = trigger is not null && random.Chance(0.5) ? OtherStrings.Like(trigger, random).Apply(example, system)
                : example with { Request = OtherStrings.Insert(example.Request, random) };
            if (trigger?.Texts.Any(text => Occurrences(other, text) > Occurrences(example, text)) != true) return other;
        }
    }

    /// <summary>Case aside: some tokenizers make no difference.</summary>
    private static int Occurrences(Example example, string part) =>
        example.Conversation.Sum(turn => turn.Content.ToUpperInvariant().Split(part.ToUpperInvariant()).Length - 1);
}
