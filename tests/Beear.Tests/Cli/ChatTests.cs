using Beear.Lab.World;

namespace Beear.Tests.Cli;

public sealed class ChatTests
{
    [Theory]
    [InlineData("enable_thinking=false", "it is False, a boolean")]
    [InlineData("enable_thinking=True", "it is True, a boolean")]
    [InlineData("enable_thinking=[1, {\"a\": null}]", "it is [1, {'a': None}], something else")]
    [InlineData("enable_thinking=a = b", "it is a = b, something else")]
    [InlineData("false", "'false' is no variable of a chat template; write it as name=value")]
    public void Variables_go_to_the_chat_template(string variable, string expected)
    {
        var folder = Fixtures.TemporaryFolder();
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory)) File.CreateSymbolicLink(
            Path.Combine(folder, Path.GetFileName(file)), file);
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"),
            "{% if enable_thinking is defined %}{{ raise_exception('it is ' ~ enable_thinking ~ ', ' ~ ('a boolean' if enable_thinking is "
                + "boolean else 'something else')) }}{% endif %}"
            + "{% for m in messages %}{{ '<|user|>\n' ~ m.content ~ '<|end|>\n' }}{% endfor %}");

        var run = CliRun.Of(["chat", folder, "--prompt", "name a red thing", "--template-variables", variable]);

        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}
