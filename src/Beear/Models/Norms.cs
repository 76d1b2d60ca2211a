using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>The norms of a model, all of one kind.</summary>
internal static class Norms
{
    /// <summary>Normalises rows and scales them.</summary>
    /// <param name="rows">(…, n) float32.</param>
    /// <param name="weights">(n); of a layer norm (2·n), scale and bias.</param>
    /// <param name="config">Kind and ε.</param>
    /// <param name="type">Element type of the result.</param>
    /// <returns>(…, n).</returns>
    public static Tensor Apply(Tensor rows, Tensor weights, ModelConfig config, ScalarType type)
    {
        if (config.Norm == NormKind.LayerNorm)
        {
            long width = rows.size(-1);
            var both = weights.to(float32);
            return nn.functional.layer_norm(rows, [width], both.narrow(0, 0, width), both.narrow(0, width, width),
                config.NormEpsilon).to(type);
        }
        return RmsNorm.Apply(rows, config.Norm == NormKind.RootMeanSquareOffset
            ? weights.to(float32).add(Arithmetic.One, Arithmetic.One) : weights, config.NormEpsilon, type);
    }
}
