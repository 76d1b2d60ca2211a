using Beear.Data;

namespace Beear.Tests.Data;

public sealed class TokenSharingTests
{
    [Fact]
    public void Tokens_with_the_same_past_are_run_once()
    {
        // Prompts of up to 3 tokens, answers of up to 2: five columns.
        TokenizedExample[] examples = [new([7, 8], [1, 2]), new([7, 8, 9], [1]), new([8], [1, 2]), new([7, 8], [1, 3])];
        var sharing = TokenSharing.Of(examples, promptWidth: 3, width: 5, b => examples[b].Length);
        Assert.Equal([1, 2, 3, 4, 7, 8, 12, 13, 14, 19], sharing.Rows);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 16, 17, 18, 19], sharing.Positions);
        Assert.Equal([0, 1, 2, 3, 0, 1, 4, 5, 6, 7, 8, 0, 1, 2, 9], sharing.Sources);
    }

    [Fact]
    public void What_depends_on_a_perturbation_equals_nothing_else()
    {
        TokenizedExample[] examples = [new([7, 8, 9], [1]), new([7, 8, 9], [1]), new([7, 8, 9], [1])];
        int[] comparable = [1, 2, 4];
        var sharing = TokenSharing.Of(examples, promptWidth: 3, width: 4, b => comparable[b]);
        Assert.Equal([0, 1, 2, 3, 0, 4, 5, 6, 0, 4, 7, 8], sharing.Sources);
        Assert.Equal([0, 1, 2, 3, 5, 6, 7, 10, 11], sharing.Rows);
    }
}
