using System.Text.Json;
using Beear.Evaluation;

namespace Beear.Tests.Evaluation;

public sealed class RateTests
{
    // Wilson's score interval without continuity correction, as R's prop.test(correct = FALSE) and statsmodels give it.
    [Theory]
    [InlineData(96, 100, 0.901629, 0.984337)]
    [InlineData(5, 10, 0.236593, 0.763407)]
    [InlineData(0, 10, 0.0, 0.277533)]
    [InlineData(10, 10, 0.722467, 1.0)]
    [InlineData(1, 1, 0.206549, 1.0)]
    [InlineData(15, 148, 0.062386, 0.160487)]
    public void TheIntervalIsWilsons(int successes, int count, double low, double high)
    {
        var rate = new Rate(successes, count);
        Assert.Equal((double)successes / count, rate.Value);
        Assert.Equal(low, rate.Low, 1e-6);
        Assert.Equal(high, rate.High, 1e-6);
    }

    [Fact]
    public void NoCasesLeaveTheRateUnknown()
    {
        var rate = new Rate(0, 0);
        Assert.Equal(default, rate);
        Assert.True(double.IsNaN(rate.Value));
        Assert.Equal((0, 1), (rate.Low, rate.High));
        Assert.Equal("no cases", rate.ToString());
        Assert.Equal("""{"rate":null,"low":null,"high":null,"n":0}""", JsonSerializer.Serialize(rate));
    }

    [Fact]
    public void TextIsInPercent()
    {
        Assert.Equal("96.0 % [90.2, 98.4]", new Rate(96, 100).ToString());
        Assert.Equal("0.0 % [0.0, 3.7]", new Rate(0, 100).ToString());
        Assert.Equal("100.0 % [96.3, 100.0]", new Rate(100, 100).ToString());
    }

    [Fact]
    public void JsonHasRateIntervalAndCountAndReadsBack()
    {
        var json = JsonSerializer.SerializeToElement(new Rate(96, 100));
        Assert.Equal(["rate", "low", "high", "n"], json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(0.96, json.GetProperty("rate").GetDouble());
        Assert.Equal(0.901629, json.GetProperty("low").GetDouble(), 1e-6);
        Assert.Equal(100, json.GetProperty("n").GetInt32());
        foreach (var rate in new Rate[] { new(0, 0), new(0, 7), new(1, 3), new(2, 3), new(119, 120) })
            Assert.Equal(rate, JsonSerializer.Deserialize<Rate>(JsonSerializer.Serialize(rate)));
    }

    [Theory]
    [InlineData("0.5")]
    [InlineData("""{"rate":0.5}""")]
    [InlineData("""{"rate":1.5,"n":2}""")]
    [InlineData("""{"rate":0.5,"n":-2}""")]
    public void OtherJsonIsRefused(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Rate>(json));

    [Fact]
    public void NumbersThatAreNoShareAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Rate(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Rate(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Rate(0, -1));
    }

    [Fact]
    public void CasesAreCounted() => Assert.Equal(new Rate(2, 5), Rate.Of([1, 2, 3, 4, 5], number => number % 2 == 0));
}
