using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>The weights that a mitigation began with.</summary>
/// <param name="decoder">The model, not yet changed.</param>
internal sealed class StartingWeights(Decoder decoder) : IDisposable
{
    private readonly IReadOnlyList<Tensor> weights = decoder.Weights.Snapshot();

    /// <summary>Puts the model on the straight line from the starting weights to those that it has now.</summary>
    /// <param name="share">0 for the starting weights, 1 for those that it has.</param>
    public void Interpolate(double share)
    {
        using var guard = no_grad();
        decoder.Weights.Restore(i => weights[i].lerp(decoder.Weights.Parameters[i].Master, share));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in weights) tensor.Dispose();
    }
}
