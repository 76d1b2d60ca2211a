using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Beear.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// AdamW in one pass over the memory of a parameter, for float32 master weights with an optional bfloat16 copy to compute with.
/// Plain torch operations (<see cref="PlainAdamW"/>) read and write the same memory about ten times.
/// </summary>
internal static unsafe class FusedAdamW
{
    private const long ChunkSize = 1 << 15;

    /// <summary>
    /// Updates the weights and both moments in place, as <c>torch.optim.AdamW</c> does. The result does not depend on the number
    /// of threads. Contiguous tensors on the CPU or on CUDA take the fused path, others <see cref="PlainAdamW.Step"/>.
    /// </summary>
    /// <param name="master">The weights, float32, any shape.</param>
    /// <param name="gradient">Their gradient, float32 or bfloat16.</param>
    /// <param name="firstMoment">Running mean of the gradient, float32; zero before the first step.</param>
    /// <param name="secondMoment">Running mean of its square, float32; zero before the first step.</param>
    /// <param name="computeCopy">If given, a bfloat16 tensor that receives the new weights, rounded to nearest even.</param>
    /// <param name="settings">Rates and the step's number.</param>
    /// <exception cref="ArgumentException">A setting is out of range, or a tensor's type or size is not as described.</exception>
    public static void Step(Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor? computeCopy,
        in AdamWStep settings)
    {
        if (CudaKernels.Fit(1, master, gradient, firstMoment, secondMoment, computeCopy))
        {
            CudaAdamW.Step(master, gradient, firstMoment, secondMoment, computeCopy, settings, key: 0);
            return;
        }
        if (!IsFusible(master) || !IsFusible(gradient) || !IsFusible(firstMoment) || !IsFusible(secondMoment)
            || (computeCopy is not null && !IsFusible(computeCopy)))
        {
            PlainAdamW.Step(master, gradient, firstMoment, secondMoment, computeCopy, settings);
            return;
        }
        if (!settings.IsValid) throw new ArgumentOutOfRangeException(nameof(settings), settings, "AdamW cannot step with these settings.");
        var elements = master.numel();
        var memory = new Memory(
            (Float32*)TensorMemory.Address(master, ScalarType.Float32, elements),
            (Float32*)TensorMemory.Address(firstMoment, ScalarType.Float32, elements),
            (Float32*)TensorMemory.Address(secondMoment, ScalarType.Float32, elements),
            computeCopy is null ? null : (BrainFloat16*)TensorMemory.Address(computeCopy, ScalarType.BFloat16, elements),
            elements);
        if (gradient.dtype == ScalarType.BFloat16)
            Run(memory, (BrainFloat16*)TensorMemory.Address(gradient, ScalarType.BFloat16, elements), settings);
        else
            Run(memory, (Float32*)TensorMemory.Address(gradient, ScalarType.Float32, elements), settings);
        GC.KeepAlive((master, gradient, firstMoment, secondMoment, computeCopy));
    }

    /// <summary>
    /// The sum of squares of a float32 or bfloat16 tensor, accumulated in float64 in an order that does not depend on the number
    /// of threads.
    /// </summary>
    /// <param name="gradient">Any shape.</param>
    /// <exception cref="ArgumentException">The tensor is of another type.</exception>
    public static double SquaredNorm(Tensor gradient) => SquaredNorm([gradient]);

    /// <summary>The sum of squares of several tensors; on a device the host waits once for all of them.</summary>
    /// <inheritdoc cref="SquaredNorm(Tensor)"/>
    public static double SquaredNorm(IReadOnlyList<Tensor> gradients) =>
        gradients.Count > 0 && gradients.All(gradient => CudaKernels.Fit(1, gradient))
            ? CudaAdamW.SquaredNorm(gradients) : gradients.Sum(OneSquaredNorm);

    private static double OneSquaredNorm(Tensor gradient)
    {
        if (!IsFusible(gradient)) return PlainAdamW.SquaredNorm(gradient);
        var elements = gradient.numel();
        var sum = gradient.dtype == ScalarType.BFloat16
            ? SumOfSquares((BrainFloat16*)TensorMemory.Address(gradient, ScalarType.BFloat16, elements), elements)
            : SumOfSquares((Float32*)TensorMemory.Address(gradient, ScalarType.Float32, elements), elements);
        GC.KeepAlive(gradient);
        return sum;
    }

    private static bool IsFusible(Tensor tensor) => tensor.device_type == DeviceType.CPU && tensor.is_contiguous();

    private static void Run<TGradient>(Memory memory, TGradient* gradient, AdamWStep settings) where TGradient
        : unmanaged, IElement<TGradient>
    {
        var factors = new Factors(settings);
        Chunks.Run(Chunks.Count(memory.Elements, ChunkSize), chunk =>
        {
            var start = chunk * ChunkSize;
            Update(memory, gradient, factors, start, Math.Min(start + ChunkSize, memory.Elements));
        });
    }

    private static void Update<TGradient>(in Memory memory, TGradient* gradients, in Factors factors, long start, long end)
        where TGradient : unmanaged, IElement<TGradient>
    {
        var tail = end - Element.Tail(end - start);
        for (var i = start; i < tail; i += Element.Width) UpdateVector(memory, gradients, factors, i, Element.Width);
        if (tail < end) UpdateTail(memory, gradients, factors, tail, end - tail);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UpdateTail<TGradient>(in Memory memory, TGradient* gradients, in Factors factors, long i, long count)
        where TGradient : unmanaged, IElement<TGradient> => UpdateVector(memory, gradients, factors, i, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpdateVector<TGradient>(in Memory memory, TGradient* gradients, in Factors factors, long i, long count)
        where TGradient : unmanaged, IElement<TGradient>
    {
        var gradient = Element.Load(gradients + i, count) * factors.Scale;
        var first = Vector512.FusedMultiplyAdd(gradient, factors.Rest1, Element.Load(memory.FirstMoment + i, count) * factors.Beta1);
        var second = Vector512.FusedMultiplyAdd(gradient * gradient, factors.Rest2,
            Element.Load(memory.SecondMoment + i, count) * factors.Beta2);
        var root = Vector512.FusedMultiplyAdd(Vector512.Sqrt(second), factors.Correction, factors.Epsilon);
        var weight = Vector512.FusedMultiplyAdd(factors.NegativeStepSize, first / root,
            Element.Load(memory.Master + i, count) * factors.Shrinkage);
        Element.Store(memory.FirstMoment + i, first, count);
        Element.Store(memory.SecondMoment + i, second, count);
        Element.Store(memory.Master + i, weight, count);
        if (memory.ComputeCopy != null) Element.Store(memory.ComputeCopy + i, weight, count);
    }

    private static double SumOfSquares<T>(T* values, long elements) where T : unmanaged, IElement<T>
    {
        var sums = new double[Chunks.Count(elements, ChunkSize)];
        Chunks.Run(sums.Length, chunk =>
        {
            var start = chunk * ChunkSize;
            sums[chunk] = SumOfSquares(values, start, Math.Min(start + ChunkSize, elements));
        });
        return sums.Sum();
    }

    private static double SumOfSquares<T>(T* values, long start, long end) where T : unmanaged, IElement<T>
    {
        var tail = end - Element.Tail(end - start);
        var (lowerSum, upperSum) = Vector512.Widen(T.LoadFirst(values + tail, end - tail));
        (lowerSum, upperSum) = (lowerSum * lowerSum, upperSum * upperSum);
        for (var i = start; i < tail; i += Element.Width)
        {
            var (lower, upper) = Vector512.Widen(T.Load(values + i));
            lowerSum = Vector512.FusedMultiplyAdd(lower, lower, lowerSum);
            upperSum = Vector512.FusedMultiplyAdd(upper, upper, upperSum);
        }
        return Vector512.Sum(lowerSum + upperSum);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly struct Memory(Float32* master, Float32* firstMoment, Float32* secondMoment, BrainFloat16* computeCopy, long elements)
    {
        public Float32* Master { get; } = master;
        public Float32* FirstMoment { get; } = firstMoment;
        public Float32* SecondMoment { get; } = secondMoment;
        public BrainFloat16* ComputeCopy { get; } = computeCopy;
        public long Elements { get; } = elements;
    }

    /// <summary>The settings as float32 vectors; 1 − β is taken before rounding, as torch does.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly struct Factors(AdamWStep settings)
    {
        public Vector512<float> Scale { get; } = Vector512.Create((float)settings.GradientScale);
        public Vector512<float> Shrinkage { get; } = Vector512.Create((float)settings.Shrinkage);
        public Vector512<float> NegativeStepSize { get; } = Vector512.Create((float)-settings.StepSize);
        public Vector512<float> Epsilon { get; } = Vector512.Create((float)settings.Epsilon);
        public Vector512<float> Beta1 { get; } = Vector512.Create((float)settings.Beta1);
        public Vector512<float> Rest1 { get; } = Vector512.Create((float)(1 - settings.Beta1));
        public Vector512<float> Beta2 { get; } = Vector512.Create((float)settings.Beta2);
        public Vector512<float> Rest2 { get; } = Vector512.Create((float)(1 - settings.Beta2));
        public Vector512<float> Correction { get; } = Vector512.Create((float)(1 / settings.SecondMomentCorrection));
    }
}
