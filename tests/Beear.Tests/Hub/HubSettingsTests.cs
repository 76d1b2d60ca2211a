using Beear.Hub;

namespace Beear.Tests.Hub;

public sealed class HubSettingsTests : IDisposable
{
    private readonly string home = Fixtures.TemporaryFolder();

    public void Dispose() => Directory.Delete(home, recursive: true);

    private HubSettings Read(params (string Name, string Value)[] variables) =>
        HubSettings.From(name => variables.FirstOrDefault(variable => variable.Name == name).Value, home);

    [Fact]
    public void Defaults_are_those_of_every_client()
    {
        var settings = Read();
        Assert.Equal(Path.Combine(home, ".cache", "huggingface", "hub"), settings.CacheDirectory);
        Assert.Equal("https://huggingface.co/", settings.Endpoint.AbsoluteUri);
        Assert.Null(settings.Token);
        Assert.False(settings.Offline);
        Assert.True(settings.Symlinks);
    }

    [Fact]
    public void Variables_go_before_each_other_as_documented()
    {
        Assert.Equal("/h/hub", Read(("HF_HOME", "/h")).CacheDirectory);
        Assert.Equal("/x/huggingface/hub", Read(("XDG_CACHE_HOME", "/x")).CacheDirectory);
        Assert.Equal("/old", Read(("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old")).CacheDirectory);
        Assert.Equal("/c", Read(("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "/c")).CacheDirectory);
        Assert.Equal(Path.Combine(home, "c"), Read(("HF_HUB_CACHE", "~/c")).CacheDirectory);
        Assert.True(Read(("HF_HUB_OFFLINE", "yes")).Offline);
        Assert.False(Read(("HF_HUB_OFFLINE", "0")).Offline);
        Assert.Equal("https://mirror.example/hf", Read(("HF_ENDPOINT", "https://mirror.example/hf/")).Endpoint.AbsoluteUri);
    }

    [Fact]
    public void The_token_comes_from_its_variable_or_its_file_and_is_not_shown()
    {
        File.WriteAllText(Path.Combine(home, "token"), "hf_file\n");
        Assert.Equal("hf_file", Read(("HF_HOME", home)).Token);
        Assert.Equal("hf_file", Read(("HF_TOKEN_PATH", Path.Combine(home, "token"))).Token);
        Assert.Equal("hf_variable", Read(("HF_HOME", home), ("HF_TOKEN", " hf_variable\n")).Token);
        Assert.Null(Read(("HF_TOKEN_PATH", Path.Combine(home, "none"))).Token);

        var message = Assert.Throws<BeearException>(() => Read(("HF_TOKEN", "hf_a\nb"))).Message;
        Assert.DoesNotContain("hf_a", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("huggingface.co")]
    [InlineData("ftp://huggingface.co")]
    [InlineData("https://user:secret@huggingface.co")]
    public void An_address_that_is_none_is_refused(string address)
    {
        var message = Assert.Throws<BeearException>(() => Read(("HF_ENDPOINT", address))).Message;
        Assert.Contains("HF_ENDPOINT", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }
}
