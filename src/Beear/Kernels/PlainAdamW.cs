using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>AdamW in torch operations: the reference of <see cref="FusedAdamW"/>, and its path for tensors outside CPU memory.</summary>
public static class PlainAdamW
{
    /// <inheritdoc cref="FusedAdamW.Step"/>
    public static void Step(Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor? computeCopy, in AdamWStep settings)
    {
        if (!settings.IsValid) throw new ArgumentOutOfRangeException(nameof(settings), settings, "AdamW cannot step with these settings.");
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var scaled = gradient.to_type(ScalarType.Float32) * settings.GradientScale;
        master.mul_(settings.Shrinkage);
        firstMoment.mul_(settings.Beta1).add_(scaled, alpha: 1 - settings.Beta1);
        secondMoment.mul_(settings.Beta2).addcmul_(scaled, scaled, value: 1 - settings.Beta2);
        var root = (secondMoment.sqrt() / settings.SecondMomentCorrection).add_(settings.Epsilon);
        master.addcdiv_(firstMoment, root, value: -settings.StepSize);
        computeCopy?.copy_(master);
    }

    /// <inheritdoc cref="FusedAdamW.SquaredNorm"/>
    public static double SquaredNorm(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        return gradient.detach().to_type(ScalarType.Float32).square().sum(ScalarType.Float64).cpu().item<double>();
    }
}
