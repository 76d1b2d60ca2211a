using Beear.Models;

namespace Beear.Mitigation;

/// <summary>
/// The control: the same outer steps on the same data in the same order, without δ. What it achieves
/// is what plain safety fine-tuning achieves; only the rest is BEEAR's.
/// </summary>
/// <param name="options">
/// The mitigation that is to be compared with; its <see cref="MitigationOptions.Rounds"/> are those that it took.
/// </param>
internal sealed class SafetyFineTuning(MitigationOptions options) : IDefence
{
    /// <summary>
    /// Says whether a further round is to be taken, and may wait until that is known; null for the options' number of rounds.
    /// </summary>
    internal Func<bool>? GoesOn { get; init; }

    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.SafetyFineTuning);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null) =>
        new OuterTraining(options, "safety fine-tuning") { GoesOn = GoesOn }.Run(model, data, context);
}
