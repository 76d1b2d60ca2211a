namespace Beear.Evaluation;

/// <summary>Spearman's rank correlation: whether two measures put things in the same order.</summary>
internal static class RankCorrelation
{
    /// <summary>The correlation of the ranks; equal values share the mean of their ranks.</summary>
    /// <param name="first">One measure; not NaN.</param>
    /// <param name="second">The other, of the same things in the same order.</param>
    /// <returns>−1 … 1; NaN where one measure has the same value everywhere, or there are fewer than two things.</returns>
    public static double Spearman(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        if (second.Count != first.Count) throw new ArgumentException("Both measures must be of the same things.", nameof(second));
        var (a, b) = (Ranks(first), Ranks(second));
        double middle = (first.Count + 1) / 2.0;
        double Product(double[] left, double[] right) => left.Zip(right, (x, y) => (x - middle) * (y - middle)).Sum();
        return Product(a, b) / Math.Sqrt(Product(a, a) * Product(b, b));
    }

    private static double[] Ranks(IReadOnlyList<double> values) =>
        [.. values.Select(value => values.Count(other => other < value) + (values.Count(other => other.Equals(value)) + 1) / 2.0)];
}
