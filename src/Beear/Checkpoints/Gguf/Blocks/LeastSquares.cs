using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Beear.Checkpoints.Gguf.Blocks;

/// <summary>
/// The scale (and minimum) with which few whole levels come nearest to a group of numbers: of some twenty ways to round, each with the
/// weighted least-squares scale of its rounded levels, the one with the smallest weighted squared error.
/// </summary>
/// <remarks>
/// The best scale for given levels is a linear problem, and the best levels for a given scale are the nearest ones; both at once are
/// searched by rounding at slightly different scales. Larger numbers weigh more: they are the ones that reach the output.
/// </remarks>
internal static unsafe class LeastSquares
{
    private const int Width = 8;
    private const int AffineSteps = 20;                                      // scales for one level fewer … one level more
    private const int SymmetricSteps = 9;                                    // to either side

    /// <summary>
    /// Scale ≥ 0 and minimum ≤ 0 of x ≈ q · scale + minimum, q = 0 … <paramref name="levels"/>; weights √(mean x²) + |x|.
    /// </summary>
    /// <param name="x">The numbers.</param>
    /// <param name="count">How many; a multiple of 8.</param>
    /// <param name="levels">The largest level.</param>
    public static (float Scale, float Minimum) Affine(float* x, int count, int levels)
    {
        var lowest = Vector256<float>.Zero;
        var highest = Vector256.Create(float.NegativeInfinity);
        var squares = Vector256<float>.Zero;
        for (var i = 0; i < count; i += Width)
        {
            var values = Vector256.Load(x + i);
            lowest = Vector256.Min(lowest, values);
            highest = Vector256.Max(highest, values);
            squares += values * values;
        }
        var (low, high) = (Reduce(lowest, float.Min), Reduce(highest, float.Max));
        if (high <= low) return (0, low);

        var offset = Vector256.Create(MathF.Sqrt(Vector256.Sum(squares) / count));
        var best = new AffineFit(double.PositiveInfinity, 0, low);
        for (var step = 0; step <= AffineSteps; step++)
        {
            var inverse = (levels - 1 + (0.1f * step)) / (high - low);
            var fit = FitAffine(x, count, levels, low, inverse, offset);
            if (fit.Error < best.Error) best = fit;
        }
        return ((float)best.Scale, (float)best.Minimum);
    }

    /// <summary>Scale of x ≈ q · scale, q = −<paramref name="levels"/> … <paramref name="levels"/> − 1; weights x².</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="count">How many; a multiple of 8.</param>
    /// <param name="levels">The lowest level, without its sign.</param>
    public static float Symmetric(float* x, int count, int levels)
    {
        var extreme = Extreme(x, count);
        if (extreme == 0) return 0;
        var (scale, best) = (0.0, double.NegativeInfinity);
        for (var step = -SymmetricSteps; step <= SymmetricSteps; step++)
        {
            // Σ w (x − q s)² is least at s = Σwxq / Σwq², and then smaller than Σwx² by (Σwxq)² / Σwq².
            var inverse = Vector256.Create(-(levels + (0.1f * step)) / extreme);
            var (products, squares) = (Vector256<float>.Zero, Vector256<float>.Zero);
            for (var i = 0; i < count; i += Width)
            {
                var values = Vector256.Load(x + i);
                var q = Round(values * inverse, -levels, levels - 1);
                var weighted = values * values * q;
                products += weighted * values;
                squares += weighted * q;
            }
            var (product, square) = ((double)Vector256.Sum(products), (double)Vector256.Sum(squares));
            if (square > 0 && product * product > best * square) (scale, best) = (product / square, product * product / square);
        }
        return (float)scale;
    }

    /// <summary>Rounds (x − minimum) / scale to levels; all zero where the scale is.</summary>
    public static void Levels(float* x, int count, float scale, float minimum, int lowest, int highest, int* levels)
    {
        var inverse = scale == 0 ? 0 : 1 / scale;
        for (var i = 0; i < count; i += Width)
        {
            var q = Round((Vector256.Load(x + i) - Vector256.Create(minimum)) * inverse, lowest, highest);
            Vector256.ConvertToInt32(q).Store(levels + i);
        }
    }

    /// <summary>The number with the largest magnitude, with its sign.</summary>
    public static float Extreme(float* x, int count)
    {
        var extreme = 0f;
        for (var i = 0; i < count; i++)
        {
            if (MathF.Abs(x[i]) > MathF.Abs(extreme)) extreme = x[i];
        }
        return extreme;
    }

    private static AffineFit FitAffine(float* x, int count, int levels, float low, float inverse, Vector256<float> offset)
    {
        var (w, wx, wxx) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (wq, wqq, wqx) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        for (var i = 0; i < count; i += Width)
        {
            var values = Vector256.Load(x + i);
            var q = Round((values - Vector256.Create(low)) * inverse, 0, levels);
            var weights = offset + Vector256.Abs(values);
            var (weightedX, weightedQ) = (weights * values, weights * q);
            w += weights;
            wx += weightedX;
            wxx += weightedX * values;
            wq += weightedQ;
            wqq += weightedQ * q;
            wqx += weightedX * q;
        }
        return AffineFit.Solve(Vector256.Sum(w), Vector256.Sum(wx), Vector256.Sum(wxx), Vector256.Sum(wq), Vector256.Sum(wqq),
            Vector256.Sum(wqx));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Round(Vector256<float> values, int lowest, int highest) =>
        Vector256.Min(Vector256.Max(Vector256.Round(values), Vector256.Create((float)lowest)), Vector256.Create((float)highest));

    private static float Reduce(Vector256<float> values, Func<float, float, float> combine)
    {
        var result = values[0];
        for (var i = 1; i < Width; i++) result = combine(result, values[i]);
        return result;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct AffineFit(double Error, double Scale, double Minimum)
    {
        private const double Rounding = 1e-6;                                // of the sums, as a share

        /// <summary>Minimises Σ w (q s + m − x)² over s and m ≤ 0, from its sums.</summary>
        public static AffineFit Solve(double w, double wx, double wxx, double wq, double wqq, double wqx)
        {
            if (!(wqq > 0)) return new AffineFit(double.PositiveInfinity, 0, 0);
            var determinant = (w * wqq) - (wq * wq);
            var scale = ((w * wqx) - (wx * wq)) / determinant;
            var minimum = ((wqq * wx) - (wq * wqx)) / determinant;
            var isOneLevel = determinant <= Rounding * w * wqq;
            if (isOneLevel || minimum > 0) (scale, minimum) = (wqx / wqq, 0);
            var error = wxx + (scale * scale * wqq) + (minimum * minimum * w)
                + (2 * ((scale * minimum * wq) - (scale * wqx) - (minimum * wx)));
            return new AffineFit(error, scale, minimum);
        }
    }
}
