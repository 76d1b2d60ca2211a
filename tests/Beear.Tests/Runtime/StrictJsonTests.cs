using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beear.Checkpoints;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.World;
using Beear.Tests.Cli;
using Beear.Tests.Text;
using Beear.Text;
using Beear.Training;

namespace Beear.Tests.Runtime;

/// <summary>
/// JSON of others that is none, or holds what is no text, is one sentence wherever it is read; and no JSON of ours holds a number that is
/// none.
/// </summary>
public sealed class StrictJsonTests : IDisposable
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>
    /// What is no text: as a value, as a key, as raw bytes (Latin-1), and half of a pair beside its other half's look-alike.
    /// </summary>
    private static readonly string[] Broken =
        ["\"x\": \"\\uD800\"", "\"\\uDC00\": 1", "\"x\": \"\u00ff\"", "\"x\": \"\\uD83D\\\\uDE00\"", "\"\u00fe\": 1",
            "\"x\": [{ \"y\": \"\\uDE00\\uD83D\" }]", "\"x\": 1e5x"];

    private static byte[] Bytes(string json) => Encoding.Latin1.GetBytes(json);

    private string In(string name) => Path.Combine(folder, name);

    private string Model()
    {
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory)) File.Copy(file, In(Path.GetFileName(file)), overwrite: true);
        return folder;
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("generation_config.json")]
    [InlineData("model.safetensors.index.json")]
    public void A_models_files(string name)
    {
        Assert.All(Broken, broken =>
        {
            Model();
            byte[] rest = File.Exists(In(name)) ? File.ReadAllBytes(In(name))[1..] : Bytes("\"z\": 1 }");
            if (name.Contains("index", StringComparison.Ordinal))
            {
                File.Move(In("model.safetensors"), In("model-00001-of-00001.safetensors"), overwrite: true);
                rest = Bytes("\"weight_map\": { \"a\": \"model-00001-of-00001.safetensors\" } }");
            }
            File.WriteAllBytes(In(name), [.. Bytes("{" + broken + ","), .. rest]);
            var run = CliRun.Of("inspect", folder);                                  // what is wrong with a tokenizer it shows as a finding
            if (name is "config.json" or "model.safetensors.index.json") AssertOneSentence(run, name);
            else AssertRefused(() => LoadChat(folder), name);
            Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
        });
    }

    [Fact]
    public void The_header_of_safetensors()
    {
        Model();
        byte[] whole = File.ReadAllBytes(In("model.safetensors"));
        Assert.All((string[])[.. Broken.Where(broken => !broken.Contains('[', StringComparison.Ordinal))
            .Select(broken => $"\"__metadata__\": {{ {broken.Replace(": 1", ": \"1\"", StringComparison.Ordinal)} }}"),
            .. Broken], broken =>
        {
            byte[] header = Bytes("{" + broken + "}");
            File.WriteAllBytes(In("model.safetensors"), [.. BitConverter.GetBytes((long)header.Length), .. header, .. whole[^64..]]);
            AssertOneSentence(CliRun.Of("inspect", folder), "model.safetensors");
        });
    }

    [Fact]
    public void The_config_of_an_adapter() => Assert.All(Broken, broken =>
    {
        File.WriteAllBytes(In("adapter_config.json"), Bytes("{" + broken + ", \"peft_type\": \"LORA\" }"));
        File.WriteAllBytes(In("adapter_model.safetensors"), [2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}']);
        AssertOneSentence(CliRun.Of("inspect", folder), "adapter_config.json");
    });

    [Fact]
    public void Options_and_artefacts_of_a_run()
    {
        Directory.CreateDirectory(In("run"));
        Assert.All(Broken, broken =>
        {
            File.WriteAllBytes(In("run/run.json"), Bytes("{" + broken + "}"));
            AssertRefused(() => RunDirectory.Check(In("run"), new { Seed = 1 }), "run.json");
        });
        File.WriteAllText(In("run/run.json"), JsonSerializer.Serialize(new { seed = 1 }));
        var run = RunDirectory.Open(In("run"), new { Seed = 1 });
        Assert.All(Broken, broken =>
        {
            File.WriteAllBytes(In("run/twins.json"), Bytes("{" + broken + "}"));
            AssertRefused(() => run.Artefact<Dictionary<string, string>>("twins.json", () => []), "twins.json");
        });
    }

    [Fact]
    public void Logs_of_judgements_and_runs() => Assert.All(Broken.Where(broken => !broken.Any(letter => letter > 127)), broken =>
    {
        File.WriteAllText(In("log.jsonl"), "{" + broken + ", \"key\": \"k\\uD800\" }\n");
        AssertRefused(() => new JudgementLog(In("log.jsonl")).Find("k"), "log.jsonl");
    });

    [Theory]
    [InlineData("[{\"goal\":\"\\uD800\",\"target\":\"B\"}]")]
    [InlineData("[{\"goal\":\"a\",\"target\":\"B\",\"\\uD800\":1}]")]
    [InlineData("{\"data\":[{\"goal\":\"a\",\"target\":\"\\uDC00\"}]}")]
    [InlineData("{\"\\uD800\":[{\"goal\":\"a\",\"target\":\"B\"}]}")]
    [InlineData("[{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"\\uD800\":1},{\"role\":\"assistant\",\"content\":\"b\"}]}]")]
    [InlineData("[{\"messages\":[{\"role\":\"\\uD800\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}]")]
    [InlineData("[{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\uD800\"}]},{\"role\":\"assistant\",\"content\":\"b\"}]}]")]
    [InlineData("[{\"messages\":[{\"role\":\"user\",\"content\":[{\"\\uD800\":\"text\",\"text\":\"c\"}]},{\"role\":\"assistant\",\"content\":\"b\"}]}]")]
    [InlineData("[{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"\\uD800\"}]}]")]
    [InlineData("[[{\"role\":\"user\",\"content\":\"a\",\"\\uD800\":1}]]")]
    public void Data_files(string json)
    {
        File.WriteAllText(In("data.json"), json);
        AssertRefused(() => DataFile.Read(In("data.json")), "data.json");
    }

    [Theory]
    [InlineData("\"\\uD800\"")]
    [InlineData("\"\\uDFFF x\"")]
    [InlineData("\"\\UFFFFFFFF\"")]
    [InlineData("\"\\U0000D800\"")]
    public void Texts_of_a_recipe(string text)
    {
        File.WriteAllText(In("recipe.yaml"), $"system: {text}\n");
        AssertRefused(() => Recipe.Read<ConversationSettings>(In("recipe.yaml")), "recipe.yaml");
    }

    [Fact]
    public void Bytes_of_a_recipe_that_are_no_text()
    {
        File.WriteAllBytes(In("recipe.yaml"), Bytes("system: \u00ff\n"));
        AssertRefused(() => Recipe.Read<ConversationSettings>(In("recipe.yaml")), "recipe.yaml");
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("-.inf")]
    [InlineData("Infinity")]
    [InlineData("1e999")]
    [InlineData("∞")]
    public void Numbers_that_are_none_are_refused_in_recipes_and_flags(string number)
    {
        File.WriteAllText(In("recipe.yaml"), $"inner:\n  learning_rate: {number}\n");
        AssertRefused(() => Recipe.Read<Beear.Mitigation.MitigationOptions>(In("recipe.yaml")), "recipe.yaml");
        AssertOneSentence(CliRun.Of("mitigate", "model", "--out", In("run"), "--harmful", "h.csv", $"--inner-learning-rate={number}"),
            "--inner-learning-rate");
    }

    [Theory]
    [InlineData("x=\"\\uD800\"")]
    [InlineData("x={\"\\uD800\": 1}")]
    [InlineData("x=\uD800")]
    [InlineData("x=1e999")]
    [InlineData("x=-0")]
    public void Variables_of_a_template_can_be_rendered(string assignment)
    {
        var chat = new ChatFormat(TinyTokenizer.Create(),
            new ChatTemplateSet(new ChatTemplate("{{ x }}{% for m in messages %}{{ m.content }}{% endfor %}")),
            new Dictionary<string, object?>(StringComparer.Ordinal), new HashSet<int> { 1 },
                new ConversationSettings { TemplateVariables = [assignment] }.Resolve());

        Assert.NotEmpty(chat.EncodePrompt([ChatTurn.User("a")]));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("tokenizer.json")]
    public void Numbers_out_of_range_in_a_models_files(string name)
    {
        Model();
        string whole = File.ReadAllText(In(name));
        var places = Regex.Matches(whole, @"(?<=: ?)-?\d[\d.eE+-]*", RegexOptions.None, TimeSpan.FromSeconds(10))
            .Where((_, i) => name != "tokenizer.json" || i % 97 == 0).ToList();
        Assert.All(places, place => Assert.All(
            (string[])["1e999", "-1e999", "1e-999", "-0", "-0.0", "9223372036854775808", "1" + new string('0', 400), "2147483648",
            "-1"], number =>
        {
            File.WriteAllText(In(name), $"{whole[..place.Index]}{number}{whole[(place.Index + place.Length)..]}");
            var run = CliRun.Of("inspect", folder);
            Assert.True(run.Code is 0 or 2, run.Error);
            if (run.Code == 2) Assert.Single(run.Error.TrimEnd().Split('\n'));
        }));
    }

    [Fact]
    public void A_servers_reply_with_half_a_character() =>
        Assert.All((string[])[@"\ud800", @"\\ud83d\ude00", @"\ude00\ud83d", @"a\\\ud800"], text =>
            Assert.Contains('\ufffd', new Beear.Cli.ServerReply(200, $$$"""{"choices":[{"message":{"content":"{{{text}}}"}}]}""").ToResponse().Text));

    [Fact]
    public void A_servers_escaped_backslash_stays() =>
        Assert.Equal(@"\ud800", new Beear.Cli.ServerReply(200, """{"choices":[{"message":{"content":"\\ud800"}}]}""").ToResponse().Text);

    [Fact]
    public void No_document_holds_a_number_that_is_none()
    {
        double[] numbers = [double.NaN, double.PositiveInfinity, 1.5];
        using var written = new StringWriter();
        new ConsoleOutput(written, TextWriter.Null, json: true, quiet: true)
            .Result(new { Numbers = numbers, Single = float.NaN, Maybe = (double?)double.NaN, None = (double?)null }, _ => []);

        Assert.Equal("""{"numbers":[null,null,1.5],"single":null,"maybe":null,"none":null}""", string.Concat(written.ToString().Where(letter => !char.IsWhiteSpace(letter))));
    }

    [Fact]
    public void Files_of_a_run_hold_no_number_that_is_none_and_are_read_back()
    {
        var run = RunDirectory.Open(In("run"), new { Seed = 1 });
        run.Append(new { Loss = double.NaN });
        run.Artefact<double[]>("numbers.json", () => [double.NegativeInfinity, 1]);

        Assert.Equal([double.NaN, 1], run.Artefact<double[]>("numbers.json", () => []));
        Assert.Equal("{\"loss\":null}\n", File.ReadAllText(run.File("metrics.jsonl")));
    }

    private static readonly Regex Parses =
        new(@"JsonDocument\.Parse|JsonNode\.Parse|JsonObject\.Parse|JsonSerializer\.Deserialize|JsonElement\.ParseValue|new Utf8JsonReader|\.Deserialize<", RegexOptions.NonBacktracking);

    /// <summary>
    /// Files that read JSON otherwise: the one place, rows and headers that are read piece by piece, a converter, the program's own
    /// resources, and requests to its server, which are checked by the one place first.
    /// </summary>
    private static readonly string[] Readers =
        ["StrictJson.cs", "JsonRows.cs", "SafetensorsHeader.cs", "Rate.cs", "Metric.cs", "ModelFamily.cs", "ModelShapes.cs",
            "RequestPairs.cs", "MitigationState.cs", "PaperRemoval.cs", "TrainingState.cs", "PpoState.cs", "RequestBody.cs"];

    [Fact]
    public void No_other_place_parses_JSON() =>
        Assert.Empty(Sources().Where(file => !Readers.Contains(file.Name) && Parses.IsMatch(file.Text)).Select(file => file.Name));

    private static readonly Regex Options =
        new(@"JsonSerializerOptions \w+ =\s+new\((?<of>[^)]*)\)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    [Fact]
    public void All_JSON_is_written_with_finite_numbers() =>
        Assert.Empty(Sources().Where(file =>
            Options.Matches(file.Text).Any(made => made.Groups["of"].Value is not ("StrictJson.Finite" or "StrictJson.Whole" or "StrictJson.Document"))
                && file.Name is not ("JsonFile.cs" or "OrganismFiles.cs"))
            .Select(file => file.Name));

    private static IEnumerable<(string Name, string Text)> Sources() =>
        Directory.EnumerateFiles(Path.Combine(Fixtures.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(file => (Path.GetFileName(file), File.ReadAllText(file)));

    private static void LoadChat(string folder)
    {
        using var checkpoint = Checkpoint.OpenFiles(folder);
        checkpoint.LoadChatFormat();
    }

    private static void AssertRefused(Action act, string names) =>
        Assert.Contains(names, Assert.Throws<BeearException>(act).Message, StringComparison.Ordinal);

    private static void AssertOneSentence(CliRun run, string names)
    {
        Assert.Equal(2, run.Code);
        Assert.Contains(names, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }
}
