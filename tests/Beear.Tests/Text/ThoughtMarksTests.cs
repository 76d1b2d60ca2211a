using Beear.Text;

namespace Beear.Tests.Text;

public sealed class ThoughtMarksTests
{
    private static readonly ThoughtMarks Marks = new("<think>", "</think>");

    [Theory]
    [InlineData("Sure.", false, "Sure.", "", false)]
    [InlineData("<think>hm</think>Sure.", false, "Sure.", "hm", false)]
    [InlineData("<think>hm", false, "", "hm", true)]
    [InlineData("hm</think>Sure.", true, "Sure.", "hm", false)]
    [InlineData("hm", true, "", "hm", true)]
    [InlineData("hm</think>Sure.", false, "Sure.", "hm", false)]
    [InlineData("<think>a</think>one <think>b</think>two", false, "one two", "ab", false)]
    [InlineData("one <think>b", false, "one ", "b", true)]
    [InlineData("", false, "", "", false)]
    public void Thoughts_are_no_answers(string text, bool inThought, string answer, string thought, bool isOpen) =>
        Assert.Equal(new AnswerParts(answer, thought, isOpen), Marks.Split(text, inThought));

    [Theory]
    [InlineData("[THINK]Score: 5[/THINK]Score: 1", "Score: 1")]
    [InlineData("<thinking>Score: 5</thinking>\nScore: 2", "Score: 2")]
    [InlineData("Score: 3", "Score: 3")]
    public void Marks_of_an_unknown_model_are_recognised(string text, string answer) =>
        Assert.Equal(answer, ThoughtMarks.SplitKnown(text).Answer);
}
