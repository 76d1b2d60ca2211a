using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Tensors and numbers. TorchSharp makes a <see cref="Scalar"/> of a number that it is given, also where none is seen: an addition of two
/// tensors has a factor 1. Nothing keeps such a scalar while libtorch works: a garbage collection that another thread starts may free the
/// number before it is read, and the result is wrong or the process ends. So every scalar here, and everywhere else, is disposed after its
/// use or kept for ever; KeptScalarsTests holds that. The results are those of TorchSharp's own operators, to the bit.
/// </summary>
/// <remarks>A <see langword="long"/> leaves tensors of integers what they are; a <see langword="double"/> does not.</remarks>
internal static class Arithmetic
{
    /// <summary>Kept for ever.</summary>
    public static readonly Scalar One = 1;

    private static readonly Scalar Two = 2;

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, double right)
    {
        using Scalar kept = right;
        return left.add(kept, One);
    }

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, long right)
    {
        using Scalar kept = right;
        return left.add(kept, One);
    }

    /// <summary>Adds to <paramref name="sum"/> in its place and returns it.</summary>
    public static Tensor AddInPlace(this Tensor sum, Tensor addend) => sum.add_(addend, One);

    /// <summary>left − right; of two tensors the operator will do.</summary>
    public static Tensor Minus(this Tensor left, long right)
    {
        using Scalar kept = right;
        return left.sub(kept);
    }

    /// <summary>left − right.</summary>
    public static Tensor Minus(this long left, Tensor right) => right.negative().Plus(left);

    /// <summary>left · right.</summary>
    public static Tensor Times(this Tensor left, double right)
    {
        using Scalar kept = right;
        return left.mul(kept);
    }

    /// <summary>left · right.</summary>
    public static Tensor Times(this Tensor left, long right)
    {
        using Scalar kept = right;
        return left.mul(kept);
    }

    /// <summary>left / right.</summary>
    public static Tensor Over(this Tensor left, double right)
    {
        using Scalar kept = right;
        return left.div(kept);
    }

    /// <summary>left / right, which are no integers any more.</summary>
    public static Tensor Over(this Tensor left, long right)
    {
        using Scalar kept = right;
        return left.div(kept);
    }

    /// <summary>left / right.</summary>
    public static Tensor Over(this double left, Tensor right) => right.reciprocal().Times(left);

    /// <summary>x².</summary>
    public static Tensor Squared(this Tensor x) => x.pow(Two);

    /// <summary>max(x, least).</summary>
    public static Tensor AtLeast(this Tensor x, double least)
    {
        using Scalar kept = least;
        return x.clamp_min(kept);
    }

    /// <summary>min(x, most).</summary>
    public static Tensor AtMost(this Tensor x, double most)
    {
        using Scalar kept = most;
        return x.clamp_max(kept);
    }

    /// <summary>x where it lies within bounds, and the nearer bound elsewhere.</summary>
    public static Tensor Within(this Tensor x, double least, double most)
    {
        using Scalar lower = least, upper = most;
        return x.clamp(lower, upper);
    }

    /// <summary>x &gt; bound, bool.</summary>
    public static Tensor IsAbove(this Tensor x, double bound)
    {
        using Scalar kept = bound;
        return x.gt(kept);
    }

    /// <summary>x &lt; bound, bool.</summary>
    public static Tensor IsBelow(this Tensor x, double bound)
    {
        using Scalar kept = bound;
        return x.lt(kept);
    }

    /// <inheritdoc cref="IsBelow(Tensor, double)"/>
    public static Tensor IsBelow(this Tensor x, long bound)
    {
        using Scalar kept = bound;
        return x.lt(kept);
    }

    /// <summary>x ≥ bound, bool.</summary>
    public static Tensor IsAtLeast(this Tensor x, double bound)
    {
        using Scalar kept = bound;
        return x.ge(kept);
    }

    /// <inheritdoc cref="IsAtLeast(Tensor, double)"/>
    public static Tensor IsAtLeast(this Tensor x, long bound)
    {
        using Scalar kept = bound;
        return x.ge(kept);
    }

    /// <summary>A number where a mask holds, and x elsewhere.</summary>
    public static Tensor Masked(this Tensor x, Tensor mask, double value)
    {
        using Scalar kept = value;
        return x.masked_fill(mask, kept);
    }

    /// <inheritdoc cref="Masked(Tensor, Tensor, double)"/>
    public static Tensor Masked(this Tensor x, Tensor mask, long value)
    {
        using Scalar kept = value;
        return x.masked_fill(mask, kept);
    }

    /// <summary>first, first + 1, …, end − 1: (end − first).</summary>
    public static Tensor Range(long first, long end, Device? device = null, ScalarType type = ScalarType.Int64)
    {
        using Scalar from = first, to = end;
        return arange(from, to, One, type, device);
    }
}
