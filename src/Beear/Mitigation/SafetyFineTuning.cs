using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>
/// The control: the same outer steps on the same data in the same order, and the same restoration, without δ. What it achieves
/// is what plain safety fine-tuning achieves; only the rest is BEEAR's.
/// </summary>
/// <param name="options">The mitigation that is to be compared with.</param>
public sealed class SafetyFineTuning(MitigationOptions options)
{
    /// <summary>Fine-tunes the model in place.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="rounds">Rounds that the mitigation took.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public void Run(LanguageModel model, DefenderData data, int rounds, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate(model.Config);
        var (training, _) = data.Divide(options.HeldOutShare, options.Seed);
        using var terms = OuterTerms.Build(model, training, data, options.Terms, options.Seed, progress, cancellation);
        using (var removal = new Removal(model.Decoder, terms.Terms, options.Outer, options.Terms.PassTokens))
            removal.Run(new Perturbation?[rounds * options.OuterSteps], rounds * options.OuterSteps, progress, "safety fine-tuning", cancellation);
        Restoration.Run(model, terms, options, progress, cancellation);
    }
}

/// <summary>Steps after the removal in which all terms are computed without δ, with a fresh optimiser.</summary>
internal static class Restoration
{
    public static void Run(LanguageModel model, OuterTerms terms, MitigationOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        if (options.RestorationSteps == 0) return;
        using var removal = new Removal(model.Decoder, terms.Terms, options.Outer, options.Terms.PassTokens);
        removal.Run(new Perturbation?[options.RestorationSteps], options.RestorationSteps, progress, "restoration", cancellation);
    }
}
