using static TorchSharp.torch;

namespace Beear.Kernels.Cuda;

/// <summary>AdamW on CUDA tensors: one pass over the memory of a parameter, whatever its element types.</summary>
internal static class CudaAdamW
{
    /// <summary>As <see cref="CompactAdamW.Step"/>, of which float32 throughout is a case.</summary>
    public static void Step(Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor? computeCopy,
        in AdamWStep settings, uint key)
    {
        if (!settings.IsValid) throw new ArgumentOutOfRangeException(nameof(settings), settings, "AdamW cannot step with these settings.");
        long elements = master.numel();
        CudaKernels.Run(CudaKernels.Named("adamw", master, firstMoment, gradient), CudaKernels.Blocks(elements), 1,
            master, gradient, firstMoment, secondMoment, computeCopy, elements, (float)settings.GradientScale, (float)settings.Shrinkage,
                (float)-settings.StepSize,
            (float)settings.Epsilon, (float)settings.Beta1, (float)(1 - settings.Beta1), (float)settings.Beta2, (float)(1 - settings.Beta2),
            (float)(1 / settings.SecondMomentCorrection), key, StochasticRounding.Other(key));
        GC.KeepAlive((master, gradient, firstMoment, secondMoment, computeCopy));
    }

    /// <summary>As <see cref="FusedAdamW.SquaredNorm(IReadOnlyList{Tensor})"/>.</summary>
    public static double SquaredNorm(IReadOnlyList<Tensor> gradients)
    {
        using var scope = NewDisposeScope();
        var sums = new List<Tensor>(gradients.Count);
        foreach (var gradient in gradients)
        {
            long blocks = CudaKernels.Blocks(gradient.numel());
            sums.Add(empty([blocks], ScalarType.Float64, gradient.device));
            CudaKernels.Run(CudaKernels.Named("squares", gradient), blocks, 1, gradient, gradient.numel(), sums[^1]);
        }
        GC.KeepAlive(gradients);
        return cat(sums).sum().item<double>();
    }
}
