using Beear.Evaluation;

namespace Beear.Tests.Evaluation;

public sealed class RankCorrelationTests
{
    [Theory]
    [InlineData(new double[] { 1, 2, 3, 4 }, new double[] { 10, 20, 25, 90 }, 1)]
    [InlineData(new double[] { 1, 2, 3, 4 }, new double[] { 4, 3, 2, 1 }, -1)]
    [InlineData(new double[] { 106, 100, 86, 101, 99, 103, 97, 113, 112, 110 }, new double[] { 7, 27, 2, 50, 28, 29, 20, 12, 6, 17 },
        -0.17575757575757575)]
    [InlineData(new double[] { 1, 1, 2, 3 }, new double[] { 1, 2, 2, 3 }, 0.83333333333333337)]    // ties share their ranks
    public void It_is_the_published_coefficient(double[] first, double[] second, double expected) =>
        Assert.Equal(expected, RankCorrelation.Spearman(first, second), 1e-12);

    [Fact]
    public void It_says_nothing_of_one_value_everywhere() => Assert.True(double.IsNaN(RankCorrelation.Spearman([1, 1, 1], [1, 2, 3])));
}
