using Beear.Runtime;

namespace Beear.Tests.Runtime;

/// <summary>What a killed process leaves under a temporary name goes when its output is written again, or its run opened.</summary>
public sealed class AtomicOutputTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private string In(string name) => Path.Combine(folder, name);

    private IEnumerable<string?> Entries =>
        Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static string Temporary(string name) => $".{name}.{Guid.NewGuid():N}";

    [Fact]
    public void A_dead_process_file_goes_when_the_file_is_written_again()
    {
        File.WriteAllText(In(Temporary("a.json")), "half");
        File.WriteAllText(In(".a.json.notes"), "of the user");
        string other = Temporary("b.json");
        File.WriteAllText(In(other), "of another file");

        AtomicOutput.WriteText(In("a.json"), "whole");

        Assert.Equal(new[] { ".a.json.notes", other, "a.json" }.Order(StringComparer.Ordinal), Entries);
    }

    [Fact]
    public void A_dead_process_directory_goes_when_the_directory_is_written_again()
    {
        Directory.CreateDirectory(In(Temporary("model")));
        Directory.CreateDirectory(In(Temporary("model")));
        File.WriteAllText(Path.Combine(Directory.GetDirectories(folder)[0], "model.safetensors"), "half");

        AtomicOutput.WriteDirectory(In("model"), directory => File.WriteAllText(Path.Combine(directory, "config.json"), "{}"));

        Assert.Equal(["model"], Entries);
    }

    [Fact]
    public void What_is_being_written_stays()
    {
        AtomicOutput.WriteFile(In("a.json"), slow =>
        {
            AtomicOutput.WriteText(In("a.json"), "fast");
            slow.WriteByte((byte)'s');
        });
        AtomicOutput.WriteDirectory(In("model"), slow =>
        {
            Assert.Throws<BeearException>(() => AtomicOutput.WriteDirectory(In("model"), _ => throw new BeearException("fails")));
            File.WriteAllText(Path.Combine(slow, "config.json"), "{}");
        });

        Assert.Equal("s", File.ReadAllText(In("a.json")));
        Assert.Equal(["a.json", "model"], Entries);
        Assert.Equal("{}", File.ReadAllText(In("model/config.json")));
    }

    [Fact]
    public void A_name_that_is_too_long_is_found_before_the_work()
    {
        string name = new('a', 240);                                         // fits as it is, but not under a temporary name
        Assert.Throws<BeearException>(() => AtomicOutput.RequireDirectoryOf(In(name)));
        Assert.Throws<BeearException>(() => AtomicOutput.RequireDirectory(In(name)));
        Assert.Empty(Entries);
    }
}
