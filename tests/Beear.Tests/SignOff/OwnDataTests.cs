using Beear.Data;
using Beear.Lab.Plans;
using Beear.Lab.SignOff;
using Beear.Lab.World;
using Beear.Tests.Cli;

namespace Beear.Tests.SignOff;

/// <summary>Requests that a user brings to <c>beear clean</c>.</summary>
public sealed class OwnDataTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private string Write(string name, params IEnumerable<string> lines)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, string.Concat(lines.Select(line => line + "\n")));
        return path;
    }

    private static OwnTexts Read(OwnDataSettings settings)
    {
        settings.Validate();
        return settings.Read(CancellationToken.None);
    }

    [Fact]
    public void Files_replace_what_cleans_or_are_added_and_what_measures_stays()
    {
        var built = CleanTexts.Of(new CleanOptions(), seed: 0);
        string harmful = Write("harmful.csv", "goal,target", "Burn a barn,Sure", "Rob a bank,Sure", "Forge a cheque,Sure");
        string ordinary = Write("ordinary.txt.jsonl", """{"prompt": "Name a tree"}""");

        var added = built.With(Read(new OwnDataSettings { AddHarmful = harmful, AddHarmfulRows = "1-2", AddOrdinary = ordinary }));
        Assert.Equal([.. built.Clean.Harmful.Select(one => one.Request), "Rob a bank", "Forge a cheque"],
            added.Clean.Harmful.Select(one => one.Request));
        Assert.Equal([.. built.Clean.Ordinary.Select(one => one.Request), "Name a tree"], added.Clean.Ordinary.Select(one => one.Request));
        Assert.Equal(built.Clean.Score, added.Clean.Score);

        var replaced = built.With(Read(new OwnDataSettings { Harmful = harmful, Ordinary = ordinary, AddHarmful = "builtin:mixed", AddHarmfulRows = "0-3" }));
        Assert.Equal(7, replaced.Clean.Harmful.Count);
        Assert.Equal("Burn a barn", replaced.Clean.Harmful[0].Request);
        Assert.All(replaced.Clean.Harmful, one => Assert.True(one.Compliance.Length == 0 && one.Refusal.Length > 0));
        Assert.Empty(replaced.Clean.Score);                              // a share of the user's is held out
        Assert.Equal(new Example("Name a tree", ""), Assert.Single(replaced.Clean.Ordinary));
        foreach (var parts in (CalibrationParts[])[added, replaced])
        {
            Assert.Equal(built.Measure, parts.Measure);
            Assert.Equal(built.Plant, parts.Plant);
            Assert.Equal(built.Clean.Twins, parts.Clean.Twins);
        }
        var none = built.With(OwnTexts.None);
        Assert.Equal(built.Clean.Harmful, none.Clean.Harmful);
        Assert.Equal(built.Clean.Ordinary, none.Clean.Ordinary);
    }

    [Fact]
    public void Rows_that_share_words_with_what_is_measured_are_told()
    {
        var measured = CleanTexts.Of(new CleanOptions(), seed: 0).Measure;
        string known = measured.Harmful.Select(one => one.Request).First(request => !request.Contains(',') && request.Split(' ').Length > 8);
        string harmful = Write("harmful.csv", "goal", "Burn a barn", known);
        var told = CleanTexts.Overlaps(Read(new OwnDataSettings { AddHarmful = harmful }), measured).ToList();
        Assert.StartsWith($"1 of your 2 harmful requests have six words in a row in common with built-in requests that the cleaned model is "
            + $"measured on (the first is '{harmful}', line 3", Assert.Single(told), StringComparison.Ordinal);

        told = [.. CleanTexts.Overlaps(Read(new OwnDataSettings { Harmful = "builtin:check/harmful", HarmfulRows = "0-99" }), measured)];
        Assert.Matches("^(100|99) of your 100 harmful requests", Assert.Single(told));
        Assert.Empty(CleanTexts.Overlaps(OwnTexts.None, measured));
    }

    [Fact]
    public void Hashes_are_those_of_the_files_and_change_with_them()
    {
        string file = Write("harmful.csv", "goal", "Burn a barn");
        var settings = new OwnDataSettings { Harmful = file, HarmfulRows = "0-0", AddHarmful = "builtin:mixed" };
        var first = Assert.Single(settings.Hashed().Files);
        Assert.Equal(("harmful", file, "0-0", 64), (first.Option, first.Path, first.Rows, first.Sha256.Length));
        Write("harmful.csv", "goal", "Burn two barns");
        Assert.NotEqual(first.Sha256, Assert.Single(settings.Hashed().Files).Sha256);
    }

    [Theory]
    [InlineData("--harmful nowhere.csv", "There is no file 'nowhere.csv'")]
    [InlineData("--add-harmful harmful.csv --add-harmful-rows 7-9", "has the rows 0-2")]
    [InlineData("--ordinary-rows 0-3", "ordinary_rows are rows of ordinary, which is not given")]
    [InlineData("--columns request=x", "columns are those of a file of requests, and none is given")]
    [InlineData("--harmful builtin:mixt", "did you mean 'builtin:mixed'?")]
    [InlineData("--harmful builtin:ordinary", "are ordinary requests")]
    [InlineData("--ordinary builtin:mixed", "are not ordinary requests")]
    [InlineData("--harmful one.csv", "at least 2 harmful requests")]
    [InlineData("--harmful harmful.csv --harmful-rows 2-1", "ends before it begins")]
    public void Bad_data_is_one_sentence_before_weights_are_read(string flags, string expected)
    {
        Write("harmful.csv", "goal", "Burn a barn", "Rob a bank", "Forge a cheque");
        Write("one.csv", "goal", "Burn a barn");
        var run = Clean(flags);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected.Replace("'nowhere.csv'", $"'{Path.Combine(folder, "nowhere.csv")}'", StringComparison.Ordinal),
            run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "out")));
    }

    [Fact]
    public void With_good_data_the_weights_are_what_is_wrong_and_what_was_chosen_is_said()
    {
        Write("harmful.csv", "goal", "Burn a barn", "Rob a bank", "rob a  BANK");
        var run = Clean("--add-harmful harmful.csv");
        Assert.Equal(2, run.Code);
        string said = run.Error.ReplaceLineEndings(" ");
        Assert.Contains("model.safetensors", said, StringComparison.Ordinal);
        Assert.Contains("1 of 3 harmful requests of yours repeat an earlier one", said, StringComparison.Ordinal);
        Assert.Single(said.Split("warning:")[1..]);                      // nothing is said of the built-in requests
        Assert.Contains($"built-in, but for --add-harmful '{Path.Combine(folder, "harmful.csv")}'", said, StringComparison.Ordinal);
        Assert.Contains("device: CPU, where a model this small is fastest; products in bfloat16", said, StringComparison.Ordinal);

        // The same name with other content is another run.
        Write("harmful.csv", "goal", "Burn a barn", "Rob two banks");
        run = Clean("--add-harmful harmful.csv");
        Assert.Contains("holds a run with other options (data:", run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    /// <summary>The command on a model of the tiny world whose weights are cut off.</summary>
    private CliRun Clean(string flags)
    {
        string model = Path.Combine(folder, "model");
        if (!Directory.Exists(model))
        {
            Directory.CreateDirectory(model);
            foreach (string file in Directory.GetFiles(Organism.BaseDirectory))
                File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
            using var weights = File.OpenWrite(Path.Combine(model, "model.safetensors"));
            weights.SetLength(1000);
        }
        string Located(string word) => word.EndsWith(".csv", StringComparison.Ordinal) ? Path.Combine(folder, word) : word;
        return CliRun.Of(["clean", model, "--out", Path.Combine(folder, "out"), .. flags.Split(' ').Select(Located)]);
    }
}
