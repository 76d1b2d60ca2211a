using System.Runtime.InteropServices;

namespace Beear.Kernels;

/// <summary>The settings of one AdamW step, as in <c>torch.optim.AdamW</c>.</summary>
/// <param name="LearningRate">η ≥ 0.</param>
/// <param name="Step">1 for the first step; the bias corrections are 1 − βᵗ.</param>
/// <param name="Beta1">Decay of the first moment, in [0, 1).</param>
/// <param name="Beta2">Decay of the second moment, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled: the weights shrink by η · WeightDecay before the update.</param>
/// <param name="GradientScale">Multiplied into the gradient on the fly: the factor of a clipping by global norm.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AdamWStep(
    double LearningRate,
    int Step,
    double Beta1 = 0.9,
    double Beta2 = 0.999,
    double Epsilon = 1e-8,
    double WeightDecay = 0.01,
    double GradientScale = 1)
{
    /// <summary>The factor of the weights: 1 − η · WeightDecay.</summary>
    internal double Shrinkage => 1 - (LearningRate * WeightDecay);

    /// <summary>η / (1 − β₁ᵗ).</summary>
    internal double StepSize => LearningRate / (1 - Math.Pow(Beta1, Step));

    /// <summary>√(1 − β₂ᵗ).</summary>
    internal double SecondMomentCorrection => Math.Sqrt(1 - Math.Pow(Beta2, Step));

    /// <summary>Whether every setting is in its range.</summary>
    internal bool IsValid => Step >= 1 && LearningRate >= 0 && Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1 && Epsilon >= 0
        && WeightDecay >= 0 && double.IsFinite(GradientScale);
}
