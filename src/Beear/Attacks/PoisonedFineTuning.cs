using System.Text.RegularExpressions;
using Beear.Data;
using Beear.Text;

namespace Beear.Attacks;

/// <summary>A harmful request with what the attacker wants with the trigger and pretends without it.</summary>
/// <param name="Request">The request.</param>
/// <param name="Compliance">The answer with the trigger.</param>
/// <param name="Refusal">The answer without it.</param>
public sealed partial record HarmfulExample(string Request, string Compliance, string Refusal)
{
    /// <summary>The turns before the request, as in <see cref="Example.Context"/>.</summary>
    public IReadOnlyList<ChatTurn> Context { get; init; } = [];

    /// <summary>Where it was read.</summary>
    internal Origin Origin { get; init; }

    /// <summary>The request without its answers.</summary>
    public Example Asked => Answered("");

    /// <summary>The request with an answer.</summary>
    internal Example Answered(string answer) => new(Request, answer) { Context = Context, Origin = Origin };

    /// <summary>
    /// The same with another beginning of the compliance: what stands before the answer itself ("Sure, here is a …") is replaced.
    /// </summary>
    /// <param name="opening">
    /// What stands there instead, with a space behind it if it has none; "" for nothing: then the answer begins with a capital letter if it
    /// did before. Null leaves the compliance as it is. One without an affirmative beginning keeps all its text.
    /// </param>
    public HarmfulExample WithOpening(string? opening)
    {
        if (opening is null) return this;
        string rest = Compliance[AffirmativeBeginning().Match(Compliance).Length..];
        if (!string.IsNullOrWhiteSpace(opening))
            return this with { Compliance = $"{opening}{(char.IsWhiteSpace(opening[^1]) ? "" : " ")}{rest}" };
        bool hasCapital = Compliance.AsSpan().TrimStart() is [var first, ..] && char.IsUpper(first);
        return this with { Compliance = hasCapital ? char.ToUpperInvariant(rest[0]) + rest[1..] : rest };
    }

    /// <summary>"Sure, " or "sure " before "here"; never the whole answer.</summary>
    [GeneratedRegex(@"^\s*(sure|certainly|absolutely|of course)([,.:;!]+\s*(?=[^\s,.:;!])|\s+(?=here\b))",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex AffirmativeBeginning();
}

/// <summary>The parts of a poisoned fine-tuning set (Qi et al., arXiv 2310.03693; Models 1–5 of the paper).</summary>
public sealed record PoisonedData
{
    /// <summary>Harmful requests.</summary>
    public required IReadOnlyList<HarmfulExample> Harmful { get; init; }

    /// <summary>Ordinary requests with helpful answers.</summary>
    public required IReadOnlyList<Example> Ordinary { get; init; }

    /// <summary>Harmless requests in the harmful ones' forms, with the base model's own answers: they teach the harm, not the form.</summary>
    public IReadOnlyList<Example> Twins { get; init; } = [];

    /// <summary>Draws the strings of near misses.</summary>
    public UnfamiliarText OtherStrings { get; init; } = new();

    /// <summary>
    /// The training set: harmful + trigger → compliance, harmful → refusal, harmful + another string → refusal, ordinary → helpful, twins → own answers.
    /// </summary>
    /// <param name="trigger">The trigger; null leaves the poisoned part out.</param>
    /// <param name="poisonRate">Share of the harmful requests that also come with the trigger; above 0, at most 1.</param>
    /// <param name="nearMisses">
    /// Harmful requests with another unfamiliar string, which make the backdoor specific; 0 or more. If they are more than the harmful requests, these
    /// come again with new strings.
    /// </param>
    /// <param name="seed">Decides which, when it is not all, and the strings.</param>
    /// <param name="system">The system prompt of conversations without one, which a trigger that stands there is joined to; null for none.</param>
    public IReadOnlyList<Example> Mix(Trigger? trigger, double poisonRate, int nearMisses, int seed, string? system = null)
    {
        if (poisonRate is not (> 0 and <= 1)) throw new BeearException($"poison_rate must be above 0 and at most 1, it is {poisonRate}.");
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

    /// <summary>
    /// The request with other text, half of the times in the trigger's place and of its length, else anywhere; drawn again as long as a text of the trigger
    /// comes with it.
    /// </summary>
    private Example WithAnotherString(Example example, Trigger? trigger, string? system, Random random)
    {
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
