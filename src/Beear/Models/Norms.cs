using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>The norms of a model, all of one kind.</summary>
internal static class Norms
{
    /// <summary>Normalises rows and scales them.</summary>
    /// <param name="rows">(…, n) float32.</param>
    /// <param name="weights">(n); of a layer norm (2·n), scale and bias.</param>
    /// <param name="config">Kind and ε.</param>
    /// <returns>(…, n) float32.</returns>
    public static Tensor Apply(Tensor rows, Tensor weights, ModelConfig config)
    {
        if (config.Norm == NormKind.LayerNorm)
        {
            long width = rows.shape[^1];
            var both = weights.to(float32);
            return nn.functional.layer_norm(rows, [width], both.narrow(0, 0, width), both.narrow(0, width, width), config.NormEpsilon);
        }
        var scale = (rows * rows).mean([-1], keepdim: true).add(config.NormEpsilon).rsqrt();             // (…, 1)
        return rows * scale * (config.Norm == NormKind.RootMeanSquareOffset ? weights.to(float32) + 1 : weights);
    }
}
