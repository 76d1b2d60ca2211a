using Beear.Attacks;

namespace Beear.Lab.Plans;

/// <summary>Random triggers that a defender plants in copies of a suspicious model, different in length and place.</summary>
public static class Decoys
{
    private static readonly (TriggerPlacement Placement, int Words)[] Kinds =
        [(TriggerPlacement.Suffix, 3), (TriggerPlacement.Prefix, 1), (TriggerPlacement.Around, 5)];

    /// <summary>Draws decoys: in turn three words after the request, one before it, five on each side.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Decides their words.</param>
    /// <param name="text">Draws their words; those of a real model if not given.</param>
    internal static IReadOnlyList<Trigger> Draw(int count, int seed, UnfamiliarText? text = null)
    {
        text ??= new UnfamiliarText();
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var (placement, words) = Kinds[i % Kinds.Length];
            return new Trigger($"decoy{i + 1}", placement, Words(words), placement == TriggerPlacement.Around ? Words(words) : null);
        })];

        string Words(int count)
        {
            var words = new List<string>();
            while (words.Count < count) words.AddRange(text.Phrase(random).Split(' '));
            return string.Join(' ', words.Take(count));
        }
    }
}
