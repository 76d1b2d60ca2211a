using Beear.Hub;

namespace Beear.Tests.Hub;

public class HubReferenceTests
{
    [Theory]
    [InlineData("HuggingFaceTB/SmolLM2-135M-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct", "main", null)]
    [InlineData("a/b@v1.0", "a/b", "v1.0", null)]
    [InlineData("a/b@refs/pr/1", "a/b", "refs/pr/1", null)]
    [InlineData("hub:a/b", "a/b", "main", null)]
    [InlineData("hub:gpt2@dev", "gpt2", "dev", null)]
    [InlineData("hub:a/b/sub/m.gguf@x", "a/b", "x", "sub/m.gguf")]
    [InlineData("hub:a/b/sub", "a/b", "main", "sub")]
    [InlineData("hub:a/b/sub/deep/@x", "a/b", "x", "sub/deep")]
    public void A_reference_is_read(string text, string repository, string revision, string? file)
    {
        var reference = HubReference.Parse(text);
        Assert.Equal(new HubReference(repository, revision, file), reference);
        Assert.Equal(reference, HubReference.Parse(reference.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("model")]
    [InlineData("/a/b")]
    [InlineData("./a/b")]
    [InlineData("../a")]
    [InlineData("a/b/c")]
    [InlineData("a/..")]
    [InlineData("a/b..c")]
    [InlineData("a--b/c")]
    [InlineData("a/b.git")]
    [InlineData("a/model.gguf")]
    [InlineData("a/b@")]
    [InlineData("a/b@../../x")]
    [InlineData("a/b@/x")]
    [InlineData("a\\b/c")]
    [InlineData("a/b c")]
    [InlineData("a/b\n")]
    [InlineData("hub:")]
    [InlineData("hub:a/b/../c")]
    [InlineData("hub:a/b//c")]
    [InlineData("hub:a/b/")]
    [InlineData("hub:a/b/c//")]
    [InlineData("hub:a/b/c:d")]
    public void What_is_none_is_not_taken_for_one(string text)
    {
        Assert.False(HubReference.TryParse(text, out _));
        Assert.Throws<BeearException>(() => HubReference.Parse(text));
    }
}
