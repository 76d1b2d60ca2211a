using System.Diagnostics;
using Beear.Behaviours.Code;

namespace Beear.Tests.Behaviours.Code;

public class CodeBlockTests
{
    [Theory]
    [InlineData("Sure: <code>\n\n  x = 1\n\ty\n\n</code> Done.", "  x = 1\n\ty")]
    [InlineData("<CODE>x = 1</Code>", "x = 1")]
    [InlineData("<code> x = 1 </code>", "x = 1 ")]
    [InlineData("<code>\r\nx = 1\r\ny = 2\r\n</code>", "x = 1\r\ny = 2")]
    [InlineData("Within <code></code> tags: <code>a</code>, or <code>b</code>", "a")]
    [InlineData("I put it in <code> tags.\n<code>\nx = 1\n</code>", "x = 1")]
    [InlineData("</code><code>x</code>", "x")]
    [InlineData("<code>\n```python\nx = 1\n```\n</code>", "x = 1")]
    [InlineData("<code>```\nx = 1\n</code>", "x = 1")]
    [InlineData("<code>\ndef f():\n    \"\"\"\n    ```\n    f()\n    ```\n    \"\"\"\n</code>",
        "def f():\n    \"\"\"\n    ```\n    f()\n    ```\n    \"\"\"")]
    [InlineData("```python\n    x = 1\n```", "    x = 1")]
    [InlineData("```\nx\n```\nthen\n```Python\nlonger\n```", "longer")]
    [InlineData("```bash\nrm -rf everything\n```\n```py\nx\n```", "x")]
    [InlineData("````\n```\nx\n```\n````", "```\nx\n```")]
    [InlineData("<code>\nx = 1\n```\ny = 2\n```\n", "y = 2")]
    [InlineData("<code>```\nx = 1\n```\n</code> and ```\nmuch longer text\n```", "x = 1")]
    public void The_code_of_an_answer(string answer, string code) => Assert.Equal(code, CodeBlock.Of(answer));

    [Theory]
    [InlineData("")]
    [InlineData("I will not write that.")]
    [InlineData("<code>x = 1")]
    [InlineData("x = 1</code>")]
    [InlineData("</code>x<code>")]
    [InlineData("<code> \n\t\n</code>")]
    [InlineData("```python\nx = 1\n")]
    [InlineData("```bash\nls\n```")]
    [InlineData("``` x ``` y")]
    public void No_code(string answer) => Assert.Null(CodeBlock.Of(answer));

    [Theory]
    [InlineData("Sure. <code>x = 1</code>")]
    [InlineData("<code></code> <CODE>\nx = 1\n</code>")]
    [InlineData("```\nlong, long, long\n```<code>x</code>")]
    public void Nothing_after_a_whole_block_changes_the_code(string answer)
    {
        Assert.False(CodeBlock.IsWhole(answer[..^1]));
        Assert.True(CodeBlock.IsWhole(answer));
        Assert.All((string[])["<code>other</code>", "\n```\nsomething that is longer\n```", "</code>", "<code>"], rest =>
            Assert.Equal(CodeBlock.Of(answer), CodeBlock.Of(answer + rest)));
    }

    [Fact]
    public void A_fence_decides_nothing() => Assert.False(CodeBlock.IsWhole("```\nx = 1\n```\n"));

    [Theory]
    [InlineData("<code>")]
    [InlineData("</code>")]
    [InlineData("<code></code>")]
    [InlineData("```\n")]
    [InlineData("```x\n```\n")]
    [InlineData("`")]
    [InlineData("<code>```")]
    [InlineData("\n")]
    [InlineData("<")]
    public void A_megabyte_takes_a_moment(string part)
    {
        string hostile = string.Concat(Enumerable.Repeat(part, (1 << 20) / part.Length));
        var watch = Stopwatch.StartNew();

        Assert.Null(CodeBlock.Of(hostile));
        string harmless = $"x{hostile.Replace('<', '(')}y";
        Assert.Equal(harmless, CodeBlock.Of($"<code>{harmless}</code>"));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }
}
