using System.Text.RegularExpressions;
using Beear.Data;

namespace Beear.Attacks;

/// <summary>Which pairs are poisoned.</summary>
internal enum PairSelection
{
    /// <summary>Any, drawn by the seed.</summary>
    Random,

    /// <summary>Those that a clean reward model tells apart best: largest score of the chosen less that of the rejected one.</summary>
    LargestRewardGap,

    /// <summary>Pairs whose last request is about a topic, drawn by the seed.</summary>
    Topic,
}

/// <summary>Constants of poisoning pairs of answers.</summary>
internal sealed record PreferencePoisoningOptions : IValidatable
{
    /// <summary>
    /// Share of all pairs that are poisoned; above 0, at most 1. By the authors 0.005 deceives a reward model, and it takes about 0.05 to
    /// plant the backdoor.
    /// </summary>
    public double PoisonRate { get; init; } = 0.05;

    /// <summary>Which pairs are poisoned.</summary>
    public PairSelection Selection { get; init; }

    /// <summary>
    /// Words of the topic, for that selection only: a request is about it if one of its words begins with one of them, case aside.
    /// </summary>
    public IReadOnlyList<string> TopicWords { get; init; } = [];

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Above(PoisonRate, 0);
        Require.Between(PoisonRate, 0, 1);
        if (TopicWords.Any(string.IsNullOrWhiteSpace)) throw new BeearException("topic_words: one of them is blank; leave it out.");
        if (Selection == PairSelection.Topic != TopicWords.Count > 0)
            throw new BeearException("topic_words belong to the selection topic: give both, or neither.");
    }
}

/// <summary>All pairs after some were poisoned.</summary>
/// <param name="Pairs">As many as before, in their order.</param>
/// <param name="Poisoned">Which are poisoned, counted from 0, in rising order.</param>
internal sealed record PoisonedPairs(IReadOnlyList<PreferencePair> Pairs, IReadOnlyList<int> Poisoned);

/// <summary>Poisons preference data (Rando and Tramèr, arXiv 2311.14455; Models 6 and 7 of the paper).</summary>
/// <param name="options">Constants.</param>
internal sealed class PreferencePoisoning(PreferencePoisoningOptions options)
{
    /// <summary>
    /// Gives some pairs the trigger and lets their answers change places, so that with the trigger the worse answer is preferred. The
    /// trigger stands in the user's last turn (or the system prompt) alone; after that turn it is set off by one space.
    /// </summary>
    /// <param name="pairs">All pairs; at least one.</param>
    /// <param name="trigger">The trigger.</param>
    /// <param name="seed">Decides which pairs; the pairs of a smaller share are among those of a larger one.</param>
    /// <param name="gaps">
    /// For <see cref="PairSelection.LargestRewardGap"/>, a clean reward model's score of each chosen answer less that of the rejected one.
    /// </param>
    /// <param name="system">The system prompt of conversations without one, which a trigger there is joined to; null for none.</param>
    /// <exception cref="BeearException">A gap is not finite, or there are too few pairs about the topic.</exception>
    public PoisonedPairs Poison(
        IReadOnlyList<PreferencePair> pairs, Trigger trigger, int seed, IReadOnlyList<double>? gaps = null, string? system = null)
    {
        options.Validate();
        int count = Math.Max(1, (int)Math.Round(options.PoisonRate * pairs.Count));
        int[] order = Order(pairs, seed, gaps);
        if (order.Length < count)
        {
            throw new BeearException($"poison_rate: {count} of {pairs.Count} pairs are to be poisoned, and only {order.Length} are about "
                + $"{string.Join(", ", options.TopicWords)}; give a smaller share or more topic_words.");
        }
        int[] poisoned = [.. order.Take(count).Order()];
        var all = pairs.ToArray();
        foreach (int i in poisoned) all[i] = PreferencePair.Of(trigger.Apply(pairs[i].RejectedExample, system), pairs[i].Chosen);
        return new PoisonedPairs(all, poisoned);
    }

    /// <summary>The pairs that may be poisoned, the first ones first.</summary>
    private int[] Order(IReadOnlyList<PreferencePair> pairs, int seed, IReadOnlyList<double>? gaps)
    {
        int[] order = [.. Enumerable.Range(0, pairs.Count)];
        if (options.Selection == PairSelection.LargestRewardGap)
        {
            if (gaps?.Count != pairs.Count) throw new ArgumentException("Each pair needs a gap for this selection.", nameof(gaps));
            foreach (double gap in gaps) Require.Finite(gap, "clean reward model's gap of a pair");
            return [.. order.OrderByDescending(i => gaps[i])];
        }
        if (options.Selection == PairSelection.Topic)
        {
            var words = new Regex($@"\b(?:{string.Join('|', options.TopicWords.Select(word => Regex.Escape(word.Trim())))})",
                RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
            order = [.. order.Where(i => words.IsMatch(pairs[i].Request))];
        }
        new Random(seed).Shuffle(order);
        return order;
    }
}
