using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>
/// The paper's counterpart in token space: each round, greedy coordinate gradient (Zou et al., arXiv 2307.15043, algorithm 1) finds one
/// string of real tokens that brings the unwanted answers out (<see cref="TokenSearch"/>), and the outer level (paper, equation 4) trains
/// with the string in place of δ. The string's length need not be the real trigger's.
/// </summary>
/// <param name="mitigation">The budget: rounds, steps, optimiser, terms.</param>
/// <param name="options">Constants of the search.</param>
internal sealed class TokenSpaceRemoval(MitigationOptions mitigation, TokenSearchOptions options) : IDefence
{
    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.TokenSpace);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        var (_, progress, cancellation) = context ?? new DefenceContext();
        options.Validate();
        // (m, d)
        using var zero = zeros([options.Length, model.Config.HiddenSize], float32, model.Decoder.Options.Device).DetachFromDisposeScope();
        return new OuterTraining(mitigation, "token-space removal")
        {
            Find = (training, round) => [new Perturbation(zero, 0,
                new TokenSearch(model, options)
                    .Run(training, Seeds.Derive(mitigation.Seed, "token search", $"{round}"), progress, cancellation).Trigger)],
        }.Run(model, data, context);
    }
}
