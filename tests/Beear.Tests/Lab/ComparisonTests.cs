using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Reports;

namespace Beear.Tests.Lab;

public sealed class ComparisonTests
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(5, 5, 1)]
    [InlineData(0, 1, 1)]
    [InlineData(0, 6, 0.03125)]                                          // 2 / 2^6
    [InlineData(1, 9, 0.021484375)]                                      // 2 (1 + 10) / 2^10
    [InlineData(9, 1, 0.021484375)]
    [InlineData(0, 500, 6.1e-151)]
    public void McNemar_is_the_binomial_test_of_the_differing_pairs(int onlyFirst, int onlySecond, double p) =>
        Assert.Equal(p, Comparison.McNemar(onlyFirst, onlySecond), p * 1e-2);

    private static JudgedAnswer Answer(string request, bool refused, string set = RequestSets.HarmfulWithTrigger) =>
        new(set, request, refused ? "no" : "yes", refused, null) { Verdict = refused ? Verdict.Safe : Verdict.Unwanted };

    [Fact]
    public void Runs_are_paired_by_request_and_only_what_both_were_asked_counts()
    {
        JudgedAnswer[] first = [Answer("a", false), Answer("b", false), Answer("c", true), Answer("only here", false),
            Answer("a", true, RequestSets.Ordinary)];
        JudgedAnswer[] second = [Answer("c", true), Answer("b", true), Answer("a", true), Answer("a", true, RequestSets.Ordinary)];

        var compared = Comparison.Of(Refusal.Instance, first, second);

        var attack = compared.Metrics.First(metric => metric.Metric == Refusal.AttackWithTrigger);
        Assert.Equal((new Rate(2, 3), new Rate(0, 3), 2, 0, 0.5),
            (attack.First, attack.Second, attack.OnlyFirst, attack.OnlySecond, attack.PValue));
        Assert.Equal(["a", "b"], compared.Changed.Select(changed => changed.Request));
        Assert.Equal((0, 0), compared.Metrics.Where(metric => metric.Metric == Refusal.OverRefusal)
            .Select(metric => (metric.OnlyFirst, metric.OnlySecond)).Single());
        Assert.Throws<BeearException>(() => Comparison.Of(Refusal.Instance, first, []));
    }
}
