using System.Numerics;
using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>Cosines and sines for all positions, made once and made anew when a longer sequence comes or its frequencies change.</summary>
/// <param name="config">The rotary embedding.</param>
/// <param name="headSize">D; elements beyond those that are rotated get cosine 1 and sine 0.</param>
internal sealed class RotaryTable(RotaryConfig config, int headSize) : IDisposable
{
    private Tensor? cosine;                                              // (positions, D)
    private Tensor? sine;                                                // (positions, D)
    private int madeFor;                                                 // positions
    private int lengthClass;

    /// <summary>Cosine and sine rows for the given positions.</summary>
    /// <param name="positionIds">(B, T) int64.</param>
    /// <param name="sequenceLength">At least the greatest position plus one; exactly that where frequencies depend on it.</param>
    /// <param name="type">Element type of the result.</param>
    /// <returns>Both (B, 1, T, D); owned by the caller's scope.</returns>
    public (Tensor Cosine, Tensor Sine) Rows(Tensor positionIds, int sequenceLength, ScalarType type)
    {
        Prepare(sequenceLength, positionIds.device);
        using var scope = NewDisposeScope();
        var shape = new[] { positionIds.size(0), 1, positionIds.size(1), headSize };
        var flat = positionIds.flatten();
        return (cosine!.index_select(0, flat).view(shape).to(type).MoveToOuterDisposeScope(),
                sine!.index_select(0, flat).view(shape).to(type).MoveToOuterDisposeScope());
    }

    private void Prepare(int sequenceLength, Device device)
    {
        bool fits = cosine is not null && cosine.device.type == device.type && madeFor >= sequenceLength
            && lengthClass == config.LengthClass(sequenceLength);
        if (fits) return;
        int positions = Math.Max(64, (int)BitOperations.RoundUpToPowerOf2((uint)sequenceLength));
        Dispose();
        using var scope = NewDisposeScope();
        var frequencies = tensor(config.Frequencies(sequenceLength), float32);                           // (R/2)
        var angles = outer(Arithmetic.Range(0, positions, type: float32), frequencies).to(float64);      // (positions, R/2)
        angles = cat([angles, angles], 1);                                                               // (positions, R)
        cosine = Padded(angles.cos().Times(config.AttentionFactor), 1).to(device).DetachFromDisposeScope();
        sine = Padded(angles.sin().Times(config.AttentionFactor), 0).to(device).DetachFromDisposeScope();
        (madeFor, lengthClass) = (positions, config.LengthClass(sequenceLength));

        Tensor Padded(Tensor rows, float value)
        {
            using Scalar padding = value;
            return cat([rows.to(float32), full(positions, headSize - config.RotatedSize, padding)], 1);  // (positions, D)
        }
    }

    public void Dispose()
    {
        cosine?.Dispose();
        sine?.Dispose();
        cosine = sine = null;
    }
}
