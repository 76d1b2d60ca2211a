using System.Globalization;

namespace Beear.Training.Preferences;

/// <summary>
/// Looks for the two ways in which a policy is lost: it runs away from the reference (its answers please the reward model and are no
/// language any more), or its entropy collapses (it says the same to everything). Both are judged by means over <see cref="Window"/> steps,
/// and told once.
/// </summary>
internal sealed class PpoWatch
{
    /// <summary>Steps that are averaged; fewer say nothing.</summary>
    public const int Window = 8;

    /// <summary>Divergence from the reference, in nats for each token of an answer, above which the policy has run away.</summary>
    public const double MostKlPerToken = 0.5;

    /// <summary>Share of the first steps' entropy below which it has collapsed.</summary>
    public const double LeastEntropyShare = 0.2;

    private readonly List<PpoStep> steps = [];
    private readonly List<string> warnings = [];
    private bool toldKl, toldEntropy;

    /// <summary>A sentence for each thing that was found.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Takes the next step.</summary>
    /// <returns>A sentence that names what is wrong and its likely cause; null where nothing new is.</returns>
    public string? Add(PpoStep step)
    {
        steps.Add(step);
        if (steps.Count < Window) return null;
        string? found = Kl() ?? Entropy();
        if (found is not null) warnings.Add(found);
        return found;
    }

    private string? Kl()
    {
        double kl = steps.TakeLast(Window).Average(step => step.KlPerToken);
        if (toldKl || kl <= MostKlPerToken) return null;
        toldKl = true;
        return string.Create(CultureInfo.InvariantCulture,
            $"Step {steps.Count}: the policy runs away from the reference, by {kl:F2} nats a token over the last {Window} steps (more than "
                + $"{MostKlPerToken}): " +
            $"its reward outweighs kl_coefficient; raise that, or lower policy.learning_rate.");
    }

    private string? Entropy()
    {
        double begun = steps.Take(Window).Average(step => step.Entropy), now = steps.TakeLast(Window).Average(step => step.Entropy);
        if (toldEntropy || now >= LeastEntropyShare * begun) return null;
        toldEntropy = true;
        return string.Create(CultureInfo.InvariantCulture,
            $"Step {steps.Count}: the policy's entropy has collapsed from {begun:F2} to {now:F2} nats a token, so that it says "
                + $"nearly the same to everything: " +
            $"lower policy.learning_rate, raise kl_coefficient, or give more prompts.");
    }
}
