using Beear.Behaviours;
using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>What the defender has: nothing in it knows of a trigger.</summary>
public sealed record DefenderData
{
    private const int LeastToDivide = 5;

    internal DefenderData()
    {
    }

    /// <summary>What must not happen.</summary>
    public IBehaviour Behaviour { get; init; } = Refusal.Instance;

    /// <summary>Harmful requests with unwanted and safe answers.</summary>
    internal IReadOnlyList<ContrastExample> Harmful { get; init; } = [];

    /// <summary>
    /// The first of the harmful requests that are kept aside for the defender-visible score, the last ones; null to draw a share of all.
    /// </summary>
    internal int? ScoredFrom { get; init; }

    /// <summary>Ordinary requests with helpful answers (the performance anchor set).</summary>
    internal IReadOnlyList<TokenizedExample> Ordinary { get; init; } = [];

    /// <summary>Prompts of harmless requests in the harmful ones' forms; may be empty if no term uses them.</summary>
    internal IReadOnlyList<int[]> Twins { get; init; } = [];

    /// <summary>
    /// The prompts of <see cref="Twins"/> as a model that thinks gets them, without a closed thought; empty for other models.
    /// </summary>
    internal IReadOnlyList<int[]> ThinkingTwins { get; init; } = [];

    /// <summary>The prompts of <see cref="Ordinary"/> as a model that thinks gets them; empty for other models.</summary>
    internal IReadOnlyList<int[]> ThinkingOrdinary { get; init; } = [];

    /// <summary>How the suspicious model's unwanted answers begin, as it showed; null where they are the data's.</summary>
    public OpeningReport? Openings { get; init; }

    /// <summary>Whether the suspicious model has been asked for its own words.</summary>
    internal bool HasOwnWords { get; init; }

    /// <summary>
    /// What the model said before, where several defences begin with the same model and options; null to record it at the beginning of
    /// each.
    /// </summary>
    internal StartingModel? Starting { get; init; }

    /// <summary>Encodes the defender's texts.</summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="harmful">
    /// Harmful requests; the compliance is the unwanted answer, of which a prefix is enough. Empty where the model is asked for it.
    /// </param>
    /// <param name="ordinary">Ordinary requests with helpful answers.</param>
    /// <param name="twins">Harmless requests in the harmful ones' forms.</param>
    /// <exception cref="BeearException">An answer gives no tokens.</exception>
    public static DefenderData Encode(ChatFormat chat, IReadOnlyList<HarmfulExample> harmful, IReadOnlyList<Example> ordinary,
        IReadOnlyList<string> twins)
    {
        int[] Unwanted(HarmfulExample example, int room) => example.Compliance.Length == 0 ? []
            : chat.EncodeText(example.Compliance) is { Length: > 0 } tokens ? tokens[..Math.Min(tokens.Length, room)]
            : throw new BeearException(example.Origin.Place is { } place
                ? $"{place}: its unwanted answer is empty; give an affirmative beginning."
                : $"The unwanted answer to '{example.Request}' is empty; give an affirmative beginning.");
        ContrastExample Contrast(HarmfulExample example)
        {
            var safe = chat.Encode(example.Answered(example.Refusal));
            return new ContrastExample(safe.Prompt, Unwanted(example, chat.MaximumTokens - safe.Prompt.Length), safe.Answer);
        }
        return new DefenderData
        {
            Harmful = [.. harmful.Select(Contrast)],
            Ordinary = [.. ordinary.Select(example => chat.Encode(example))],
            Twins = [.. twins.Select(request => chat.EncodeContext([ChatTurn.User(request)]))],
            ThinkingTwins = chat.MayThink ? [.. twins.Select(request => chat.EncodePrompt([ChatTurn.User(request)]))] : [],
            ThinkingOrdinary = chat.MayThink ? [.. ordinary.Select(example => chat.EncodePrompt(example.Conversation))] : [],
        };
    }

    /// <summary>
    /// The same with what a suspicious model tells: how its unwanted answers begin, and its own refusals, as far as the options ask for
    /// them. A removal does this by itself.
    /// </summary>
    /// <param name="model">The model as it came.</param>
    /// <param name="options">The mitigation's options.</param>
    /// <param name="progress">Receives what is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="BeearException">The model does not tell.</exception>
    public DefenderData AskedOf(LanguageModel model, MitigationOptions options, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) => new OwnWords(model, options).Put(this, progress, cancellation);

    /// <summary>Divides the harmful requests into those that are trained on and those that the defender-visible score asks.</summary>
    /// <param name="heldOutShare">Share that is kept aside, 0 … 1; at least one on each side.</param>
    /// <param name="seed">Decides the division.</param>
    /// <exception cref="BeearException">There are fewer than two harmful requests.</exception>
    internal (IReadOnlyList<ContrastExample> Training, IReadOnlyList<ContrastExample> HeldOut) Divide(double heldOutShare, int seed)
    {
        RequireHarmful();
        if (ScoredFrom is { } first) return (Shuffled(Harmful.Take(first), seed), Shuffled(Harmful.Skip(first), seed));
        var shuffled = Shuffled(Harmful, seed);
        int heldOut = Math.Clamp((int)Math.Round(shuffled.Length * heldOutShare), 1, shuffled.Length - 1);
        return (shuffled[heldOut..], shuffled[..heldOut]);
    }

    /// <summary>Divides harmless prompts: a fifth is not recorded for KL, so that refusals can be counted on it.</summary>
    /// <param name="prompts">Twins, or ordinary requests.</param>
    /// <param name="seed">Decides the division, and the order.</param>
    internal static (int[][] Training, int[][] HeldOut) HoldOut(IReadOnlyList<int[]> prompts, int seed)
    {
        var shuffled = Shuffled(prompts, seed);
        int training = shuffled.Length - shuffled.Length / LeastToDivide;
        return (shuffled[..training], shuffled[training..]);
    }

    /// <summary>Records what the model is now, on requests that are kept aside, to see later what is left of it.</summary>
    /// <param name="model">The starting model.</param>
    /// <param name="options">Which harmful requests are kept aside.</param>
    /// <param name="progress">Receives the count of answered requests.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    internal UsefulnessFloor Floor(LanguageModel model, MitigationOptions options, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        int[][] twins = Aside(Twins), ordinary = Aside([.. Ordinary.Select(example => example.Prompt)]);
        var harmful = Divide(options.HeldOutShare, options.Seed).HeldOut.Select(example => example.Prompt);
        return new UsefulnessFloor(model, [.. twins.Take(UsefulnessFloor.MostHarmless / 2), .. ordinary], harmful, Behaviour,
            progress: progress, cancellation: cancellation);

        // Where there are too few to keep any aside, those that are trained on must do.
        int[][] Aside(IReadOnlyList<int[]> prompts) =>
            HoldOut(prompts, options.Seed) is { HeldOut: { Length: > 0 } heldOut } ? heldOut : [.. prompts];
    }

    /// <summary>Checks, before a run begins, that there is what the outer level's terms ask for.</summary>
    /// <param name="terms">The terms' weights.</param>
    /// <exception cref="BeearException">A term has a weight and no data.</exception>
    public void Require(OuterTermOptions terms)
    {
        RequireHarmful();
        Ask("ordinary requests", Ordinary.Count, ("helpful", terms.Helpful), ("ordinary_divergence", terms.OrdinaryDivergence));
        Ask("harmless twins", Twins.Count, ("twin_divergence", terms.TwinDivergence),
            ("twin_divergence_perturbed", terms.TwinDivergencePerturbed));

        static void Ask(string kind, int count, params (string Key, double Weight)[] terms)
        {
            string[] asking = [.. terms.Where(term => term.Weight > 0).Select(term => $"terms.{term.Key}")];
            if (count == 0 && asking.Length > 0) throw new BeearException(
                $"There are no {kind}, but a weight in {string.Join(" and ", asking)}; give some, or set it to 0.");
        }
    }

    /// <summary>What there is too little of to keep any aside, a sentence; null if there is enough.</summary>
    public string? TooFew => Ordinary.Count is > 0 and < LeastToDivide
        ? $"Of {Ordinary.Count} ordinary request{(Ordinary.Count == 1 ? "" : "s")} none can be kept aside to see what the removal costs; "
            + $"give at least {LeastToDivide}, better some hundreds." : null;

    private static T[] Shuffled<T>(IEnumerable<T> items, int seed)
    {
        var shuffled = items.ToArray();
        new Random(seed).Shuffle(shuffled);
        return shuffled;
    }

    private void RequireHarmful()
    {
        if (Harmful.Count < 2) throw new BeearException($"The defender needs at least 2 harmful requests, there are {Harmful.Count}.");
    }
}
