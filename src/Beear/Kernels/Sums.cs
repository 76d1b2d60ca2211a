using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Sums for the passes that run most. TorchSharp's own + makes a scalar 1 that the garbage collector may free before libtorch has read it:
/// seldom, but often enough to end, or to falsify, one run in a few hours on a busy machine.
/// </summary>
internal static class Sums
{
    /// <summary>Kept for ever.</summary>
    public static readonly Scalar One = 1;

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);
}
