using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>Adam on δ alone: β₁ 0.9, β₂ 0.999, ε 1e-8. Its moments live in the dispose scope in which it is made.</summary>
/// <param name="delta">(R, d).</param>
/// <param name="learningRate">Of all rows.</param>
/// <param name="factors">(R, 1): factors of it for each row; null for 1.</param>
internal sealed class DeltaAdam(Tensor delta, double learningRate, Tensor? factors = null)
{
    private const double Beta1 = 0.9, Beta2 = 0.999;

    private static readonly Scalar Decay1 = Beta1, Rest1 = 1 - Beta1, Decay2 = Beta2, Rest2 = 1 - Beta2, Epsilon = 1e-8;
    private readonly Tensor first = zeros_like(delta);
    private readonly Tensor second = zeros_like(delta);
    private int steps;

    public void Step(Tensor gradient)
    {
        steps++;
        using Scalar correction = Math.Sqrt(1 - Math.Pow(Beta2, steps)), step = -learningRate / (1 - Math.Pow(Beta1, steps));
        first.mul_(Decay1).add_(gradient, alpha: Rest1);
        second.mul_(Decay2).addcmul_(gradient, gradient, Rest2);
        var denominator = second.sqrt().div(correction).add_(Epsilon, Arithmetic.One);
        delta.addcdiv_(factors is null ? first : first * factors, denominator, step);
    }
}
