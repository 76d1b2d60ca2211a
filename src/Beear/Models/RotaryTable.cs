using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>Cosines and sines for all positions, made once and grown when a longer sequence comes.</summary>
internal sealed class RotaryTable(RotaryConfig config) : IDisposable
{
    private Tensor? cosine;                                              // (positions, D)
    private Tensor? sine;                                                // (positions, D)
    private int madeFor;

    /// <summary>Cosine and sine rows for the given positions.</summary>
    /// <param name="positionIds">(B, T) int64.</param>
    /// <param name="sequenceLength">The greatest position plus one.</param>
    /// <param name="type">Element type of the result.</param>
    /// <returns>Both (B, 1, T, D); owned by the caller's scope.</returns>
    public (Tensor Cosine, Tensor Sine) Rows(Tensor positionIds, int sequenceLength, ScalarType type)
    {
        Prepare(sequenceLength, positionIds.device);
        using var scope = NewDisposeScope();
        var shape = new[] { positionIds.shape[0], 1, positionIds.shape[1], config.HeadSize };
        var flat = positionIds.flatten();
        return (cosine!.index_select(0, flat).view(shape).to(type).MoveToOuterDisposeScope(),
                sine!.index_select(0, flat).view(shape).to(type).MoveToOuterDisposeScope());
    }

    private void Prepare(int sequenceLength, Device device)
    {
        bool fits = cosine is not null && cosine.device.type == device.type
            && (config.DependsOnLength ? madeFor == sequenceLength : madeFor >= sequenceLength);
        if (fits) return;
        int positions = config.DependsOnLength ? sequenceLength : Math.Max(64, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)sequenceLength));
        Dispose();
        using var scope = NewDisposeScope();
        var frequencies = tensor(config.Frequencies(positions), float32);                               // (D/2)
        var angles = outer(arange(positions, float32), frequencies).to(float64);                        // (positions, D/2)
        angles = cat([angles, angles], 1);                                                              // (positions, D)
        cosine = (angles.cos() * config.AttentionFactor).to(float32).to(device).DetachFromDisposeScope();
        sine = (angles.sin() * config.AttentionFactor).to(float32).to(device).DetachFromDisposeScope();
        madeFor = sequenceLength > positions ? sequenceLength : positions;
    }

    public void Dispose()
    {
        cosine?.Dispose();
        sine?.Dispose();
        cosine = sine = null;
    }
}
