using Beear.Models;

namespace Beear.Mitigation;

/// <summary>A defence without rounds that are measured: at its end it is asked whether the model is still of use.</summary>
/// <param name="defence">The defence.</param>
/// <param name="options">Which of the defender's data are kept aside.</param>
internal sealed class CheckedDefence(IDefence defence, MitigationOptions options) : IDefence
{
    /// <inheritdoc/>
    public string Name => defence.Name;

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        var (_, progress, cancellation) = context ?? new DefenceContext();
        options.Validate(model.Config);
        data = data.AskedOf(model, options, progress, cancellation);
        using var floor = data.Floor(model, options, progress, cancellation);
        var report = defence.Run(model, data, context);
        return report with { Usefulness = floor.Measure(progress, cancellation) };
    }
}
