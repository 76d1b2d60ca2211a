using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Beear.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// AdamW whose weights, moments or both are bfloat16, computed in float32 and rounded at random (<see cref="StochasticRounding"/>): 6 bytes
/// of state for a weight instead of 14. <see cref="PlainAdamW.CompactStep"/> is its reference.
/// </summary>
internal static unsafe class CompactAdamW
{
    private const long ChunkSize = 1 << 15;

    /// <summary>Updates the weights and both moments in place. The result does not depend on the number of threads.</summary>
    /// <param name="master">The weights, float32 or bfloat16, any shape.</param>
    /// <param name="gradient">Their gradient, float32 or bfloat16.</param>
    /// <param name="firstMoment">Running mean of the gradient, float32 or bfloat16; zero before the first step.</param>
    /// <param name="secondMoment">Running mean of its square, of the same type; zero before the first step.</param>
    /// <param name="computeCopy">If given, a bfloat16 tensor that receives the new weights, rounded to nearest even.</param>
    /// <param name="settings">Rates and the step's number.</param>
    /// <param name="key">Decides the roundings; another for each tensor and step.</param>
    /// <exception cref="ArgumentException">A setting is out of range, or a tensor's type or size is not as described.</exception>
    public static void Step(Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor? computeCopy,
        in AdamWStep settings, uint key)
    {
        Tensor[] all = computeCopy is null
            ? [master, gradient, firstMoment, secondMoment] : [master, gradient, firstMoment, secondMoment, computeCopy];
        if (CudaKernels.Fit(1, all) && secondMoment.dtype == firstMoment.dtype)
        {
            CudaAdamW.Step(master, gradient, firstMoment, secondMoment, computeCopy, settings, key);
            return;
        }
        if (Array.Exists(all, tensor => tensor.device_type != DeviceType.CPU || !tensor.is_contiguous()))
        {
            PlainAdamW.CompactStep(master, gradient, firstMoment, secondMoment, computeCopy, settings, key);
            return;
        }
        if (!settings.IsValid) throw new ArgumentOutOfRangeException(nameof(settings), settings, "AdamW cannot step with these settings.");
        var elements = master.numel();
        var memory = new Memory(Address(master), Address(gradient), Address(firstMoment),
            TensorMemory.Address(secondMoment, firstMoment.dtype, elements),
            computeCopy is null ? null : (BrainFloat16*)TensorMemory.Address(computeCopy, ScalarType.BFloat16, elements), elements, key);
        if (master.dtype == ScalarType.BFloat16) OfWeights<BrainFloat16>(memory, gradient.dtype, firstMoment.dtype, settings);
        else OfWeights<Float32>(memory, gradient.dtype, firstMoment.dtype, settings);
        GC.KeepAlive(all);

        void* Address(Tensor tensor) =>
            TensorMemory.Address(tensor, tensor.dtype == ScalarType.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32, elements);
    }

    private static void OfWeights<TWeight>(Memory memory, ScalarType gradient, ScalarType moment, AdamWStep settings) where TWeight
        : unmanaged, IElement<TWeight>
    {
        if (moment == ScalarType.BFloat16) OfMoments<TWeight, BrainFloat16>(memory, gradient, settings);
        else OfMoments<TWeight, Float32>(memory, gradient, settings);
    }

    private static void OfMoments<TWeight, TMoment>(Memory memory, ScalarType gradient, AdamWStep settings)
        where TWeight : unmanaged, IElement<TWeight> where TMoment : unmanaged, IElement<TMoment>
    {
        if (gradient == ScalarType.BFloat16) Run<TWeight, TMoment, BrainFloat16>(memory, settings);
        else Run<TWeight, TMoment, Float32>(memory, settings);
    }

    private static void Run<TWeight, TMoment, TGradient>(Memory memory, AdamWStep settings)
        where TWeight : unmanaged, IElement<TWeight> where TMoment : unmanaged, IElement<TMoment> where TGradient
            : unmanaged, IElement<TGradient>
    {
        var factors = new FusedAdamW.Factors(settings);
        Chunks.Run(Chunks.Count(memory.Elements, ChunkSize), chunk =>
        {
            long start = chunk * ChunkSize, end = Math.Min(start + ChunkSize, memory.Elements), tail = end - Element.Tail(end - start);
            for (var i = start; i < tail; i += Element.Width) Update<TWeight, TMoment, TGradient>(memory, factors, i, Element.Width);
            if (tail < end) UpdateTail<TWeight, TMoment, TGradient>(memory, factors, tail, end - tail);
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UpdateTail<TWeight, TMoment, TGradient>(in Memory memory, in FusedAdamW.Factors factors, long i, long count)
        where TWeight : unmanaged, IElement<TWeight> where TMoment : unmanaged, IElement<TMoment> where TGradient
            : unmanaged, IElement<TGradient> => Update<TWeight, TMoment, TGradient>(memory, factors, i, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Update<TWeight, TMoment, TGradient>(in Memory memory, in FusedAdamW.Factors factors, long i, long count)
        where TWeight : unmanaged, IElement<TWeight> where TMoment : unmanaged, IElement<TMoment> where TGradient
            : unmanaged, IElement<TGradient>
    {
        var weights = (TWeight*)memory.Master + i;
        TMoment* firsts = (TMoment*)memory.FirstMoment + i, seconds = (TMoment*)memory.SecondMoment + i;
        var gradient = Element.Load((TGradient*)memory.Gradient + i, count) * factors.Scale;
        var first = Vector512.FusedMultiplyAdd(gradient, factors.Rest1, Element.Load(firsts, count) * factors.Beta1);
        var second = Vector512.FusedMultiplyAdd(gradient * gradient, factors.Rest2, Element.Load(seconds, count) * factors.Beta2);
        var root = Vector512.FusedMultiplyAdd(Vector512.Sqrt(second), factors.Correction, factors.Epsilon);
        var weight = Vector512.FusedMultiplyAdd(factors.NegativeStepSize, first / root, Element.Load(weights, count) * factors.Shrinkage);
        var bits = StochasticRounding.Bits(i, memory.Key);
        Element.Store(weights, Rounded<TWeight>(weight, bits >> 16), count);
        if (memory.ComputeCopy != null) Element.Store(memory.ComputeCopy + i, weight, count);
        Element.Store(firsts, Rounded<TMoment>(first, bits & Vector512.Create(0xFFFFu)), count);
        if (typeof(TMoment) == typeof(BrainFloat16)) second =
            StochasticRounding.Round(second, StochasticRounding.Bits(i, memory.OtherKey) >> 16);
        Element.Store(seconds, second, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Rounded<T>(Vector512<float> values, Vector512<uint> bits) where T : unmanaged, IElement<T> =>
        typeof(T) == typeof(BrainFloat16) ? StochasticRounding.Round(values, bits) : values;

    [StructLayout(LayoutKind.Auto)]
    private readonly struct Memory(void* master, void* gradient, void* firstMoment, void* secondMoment, BrainFloat16* computeCopy,
        long elements, uint key)
    {
        public void* Master { get; } = master;
        public void* Gradient { get; } = gradient;
        public void* FirstMoment { get; } = firstMoment;
        public void* SecondMoment { get; } = secondMoment;
        public BrainFloat16* ComputeCopy { get; } = computeCopy;
        public long Elements { get; } = elements;
        public uint Key { get; } = key;
        public uint OtherKey { get; } = StochasticRounding.Other(key);
    }
}
