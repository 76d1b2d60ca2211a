using Beear.Data;

namespace Beear.Tests.Data;

public sealed class RowRangeTests
{
    [Theory]
    [InlineData("0-299", 0, 299, 300)]
    [InlineData("300..419", 300, 419, 120)]
    [InlineData(" 5 - 5 ", 5, 5, 1)]
    [InlineData("7", 7, 7, 1)]
    public void BothEndsBelongToTheRange(string text, int first, int last, int count)
    {
        var range = RowRange.Parse(text);
        Assert.Equal((first, last, count), (range.First, range.Last, range.Count));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("3-")]
    [InlineData("-3")]
    [InlineData("1-2-3")]
    [InlineData("a-b")]
    [InlineData("9-3")]
    [InlineData("0-99999999999")]
    public void OtherTextsAreRefused(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<BeearException>(() => RowRange.Parse(text)).Message, StringComparison.Ordinal);
}
