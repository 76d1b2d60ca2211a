using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// AdamW in torch operations: the reference of <see cref="FusedAdamW"/> and <see cref="CompactAdamW"/>, and their path for tensors outside
/// CPU memory.
/// </summary>
internal static class PlainAdamW
{
    /// <inheritdoc cref="FusedAdamW.Step"/>
    public static void Step(Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor? computeCopy,
        in AdamWStep settings)
    {
        if (!settings.IsValid) throw new ArgumentOutOfRangeException(nameof(settings), settings, "AdamW cannot step with these settings.");
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using Scalar shrinkage = settings.Shrinkage, epsilon = settings.Epsilon, step = -settings.StepSize,
            decay1 = settings.Beta1, rest1 = 1 - settings.Beta1, decay2 = settings.Beta2, rest2 = 1 - settings.Beta2;
        var scaled = gradient.to_type(ScalarType.Float32).Times(settings.GradientScale);
        master.mul_(shrinkage);
        firstMoment.mul_(decay1).add_(scaled, alpha: rest1);
        secondMoment.mul_(decay2).addcmul_(scaled, scaled, value: rest2);
        var root = secondMoment.sqrt().Over(settings.SecondMomentCorrection).add_(epsilon, Arithmetic.One);
        master.addcdiv_(firstMoment, root, value: step);
        computeCopy?.copy_(master);
    }

    /// <inheritdoc cref="CompactAdamW.Step"/>
    public static void CompactStep(Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor? computeCopy,
        in AdamWStep settings, uint key)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        // What is float32 already is not copied, but updated where it is.
        Tensor weights = master.to_type(ScalarType.Float32), first = firstMoment.to_type(ScalarType.Float32),
            second = secondMoment.to_type(ScalarType.Float32);
        Step(weights, gradient, first, second, computeCopy, settings);
        Round(weights, master, key, shift: 16);
        Round(first, firstMoment, key, shift: 0);
        Round(second, secondMoment, StochasticRounding.Other(key), shift: 16);
    }

    private static void Round(Tensor values, Tensor target, uint key, int shift)
    {
        if (target.dtype != ScalarType.BFloat16) return;
        var bits = StochasticRounding.PlainBits(values.numel(), key,
            values.device).bitwise_right_shift(tensor((long)shift, device: values.device));
        target.copy_(StochasticRounding.Plain(values, bits.bitwise_and(tensor(0xFFFFL, device: values.device))));
    }

    /// <inheritdoc cref="FusedAdamW.SquaredNorm(Tensor)"/>
    public static double SquaredNorm(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        return gradient.detach().to_type(ScalarType.Float32).Squared().sum(ScalarType.Float64).cpu().item<double>();
    }
}
