using Beear.Data;
using Parquet.Schema;
using Parquet.Serialization;

namespace Beear.Tests.Data;

public sealed class DataFileTests
{
    private static string Write(string extension, string content)
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), $"data{extension}");
        File.WriteAllText(path, content);
        return path;
    }

    private static IReadOnlyList<Example> Read(string path, ColumnMapping? mapping = null) =>
        DataFile.Read(path, mapping, cancellationToken: TestContext.Current.CancellationToken);

    private static string Message(Action action) => Assert.Throws<BeearException>(action).Message;

    private static string Error(string extension, string content, ColumnMapping? mapping = null) =>
        Message(() => Read(Write(extension, content), mapping));

    /// <summary>As Assert.Contains, which would cut the message short where it fails.</summary>
    private static void AssertSays(string expected, string message) =>
        Assert.True(message.Contains(expected, StringComparison.Ordinal), message);

    [Theory]
    [InlineData(".csv", "goal,target\n\"Do \"\"it\"\",\nnow\",\"Sure, here\"\n", "Do \"it\",\nnow", "Sure, here")]
    [InlineData(".csv", "\uFEFFid,question,answer\r\n1,Why?,42\r\n", "Why?", "42")]
    [InlineData(".tsv", "prompt\tresponse\nHi, you\tHello\n", "Hi, you", "Hello")]
    [InlineData(".json", """[{"instruction":"Add","input":"1 and 2","output":"3"}]""", "Add\n\n1 and 2", "3")]
    [InlineData(".json", """[{"instruction":"Add","input":" ","output":"3"}]""", "Add", "3")]
    [InlineData(".json", """[{"instruction":"Add","input":null,"output":"3"}]""", "Add", "3")]
    [InlineData(".json", """ {"instruction":"Add","output":"3"} """, "Add", "3")]
    [InlineData(".jsonl", """{"instruction":"Name it","context":"It is red.","response":"Ruby"}""", "Name it\n\nIt is red.", "Ruby")]
    [InlineData(".jsonl", "\n{\"prompt\":\"Count\",\"completion\":7}\n\n", "Count", "7")]
    [InlineData(".ndjson", """{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"tool","content":"C"}]}""", "A", "B")]
    [InlineData(".json", """[{"conversations":[{"from":"human","value":"A"},{"from":"gpt","value":"B"}]}]""", "A", "B")]
    [InlineData(".json", """[{"messages":[{"role":"system","content":""},{"role":"user","content":"A"}]}]""", "A", "")]
    public void KnownFormatsAreRecognisedByTheirColumns(string extension, string content, string request, string answer) =>
        Assert.Equal([new Example(request, answer)], Read(Write(extension, content)));

    [Fact]
    public void AMappingNamesTheColumns()
    {
        var path = Write(".csv", "goal,target,verdict\nA,B,C\n");
        Assert.Equal([new Example("A", "C")], Read(path, new ColumnMapping("goal", "verdict")));
        Assert.Equal([new Example("A", "")], Read(path, new ColumnMapping("goal")));
    }

    [Theory]
    [InlineData("goal,target\nA,B\nC\n", "line 3: the row has 1 columns where the header has 2")]
    [InlineData("goal,target\n\"A\nstill A\",B\nC,D,E\n", "line 4: the row has 3 columns")]
    [InlineData("goal,target\nA,B\nC,\"D\"d\n", "line 3, column 6: a quotation mark")]
    [InlineData("goal,target\nA,B\nC,say \"D\" now\n", "line 3, column 7: a quotation mark")]
    [InlineData("goal,target\nA,\"B\nC,D\n", "line 2: a quotation mark opens")]
    [InlineData("goal,goal\nA,B\n", "line 1: two columns are called 'goal'")]
    [InlineData("goal,target\nA,B\n ,D\n", "line 3, column 'goal': it holds no request")]
    [InlineData("text,label\nA,B\n", "its columns are 'text', 'label'")]
    [InlineData("", "holds no rows")]
    [InlineData("goal,target\n", "holds no rows")]
    public void MistakesInATableAreSaidWithTheirPlace(string content, string expected) => AssertSays(expected, Error(".csv", content));

    [Theory]
    [InlineData("[\n{\"goal\":\"A\",\"target\":\"B\"},\n{\"goal\":\"A\",\"target\":}]", "line 3, column 22: this is not valid JSON")]
    [InlineData("{\"goal\":\"A\",\"target\":\"B\"}\n{\"goal\":\"A\",\"tar", "line 2, column 17: this is not valid JSON")]
    [InlineData("[{\"goal\":\"A\",\"target\":\"B\"},\n{\"goal\":\"A\"}]", "line 2: there is no column 'target'; the columns are 'goal'")]
    [InlineData("[{\"goal\":\"A\",\"target\":\"B\"},\n\n{\"goal\":[],\"target\":\"B\"}]",
        "line 3, column 'goal': it holds no turn of the user")]
    [InlineData("[{\"goal\":\"A\",\"target\":null}]", "line 1, column 'target': it is null")]
    [InlineData("[\n  3]", "line 2, column 3: there is a number")]
    [InlineData("[]", "holds no rows")]
    [InlineData(" \n", "holds no rows")]
    [InlineData("{\"messages\":\"A\"}", "column 'messages': it is a text where a list of turns is expected")]
    [InlineData("{\"messages\":[]}", "holds no turn of the user")]
    [InlineData("{\"messages\":[{\"role\":\"system\",\"content\":\"Obey\"}]}", "holds no turn of the user")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"A\"},{\"role\":\"nobody\",\"content\":\"B\"}]}",
        "turn 2: it is by 'nobody'")]
    [InlineData("{\"messages\":[{\"role\":\"user\"}]}", "turn 1: it has no 'role' and 'content'")]
    public void MistakesInJsonAreSaidWithTheirPlace(string content, string expected) => AssertSays(expected, Error(".jsonl", content));

    [Fact]
    public void FilesThatCannotBeReadAreNamed()
    {
        AssertSays("There is no file", Message(() => Read("nowhere.csv")));
        Assert.Contains("'.txt', which is not read", Error(".txt", "A"), StringComparison.Ordinal);
        AssertSays("no column 'ask'; the columns are 'goal', 'target'", Error(".csv", "goal,target\nA,B\n", new("ask")));
        var latin = Write(".csv", "");
        File.WriteAllBytes(latin, [.. "goal,target\nCaf"u8, 0xE9, .. ",B\n"u8]);
        AssertSays("line 2, column 4: this is not UTF-8", Message(() => Read(latin)));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            DataFile.Read(Write(".csv", "goal,target\nA,B\n"), cancellationToken: stopped.Token));
    }

    [Fact]
    public async Task ParquetIsReadWithNestedColumnsToo()
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "data.parquet");
        await ParquetSerializer.SerializeAsync(
            [new Exchange { Goal = "Ä?", Target = "B" }, new Exchange { Goal = "C", Target = "D" }], path,
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal([new Example("Ä?", "B"), new Example("C", "D")], Read(path, new ColumnMapping("Goal", "Target")));
        AssertSays("row 0: there is no column 'gaol'; the columns are 'Goal', 'Target' (did you mean 'Goal'?)",
            Message(() => Read(path, new ColumnMapping("gaol"))));

        var schema = new ParquetSchema(new ListField("messages",
            new StructField("element", new DataField<string>("role"), new DataField<string>("content"))));
        static Dictionary<string, object?> Turn(string role, string content) => new() { ["role"] = role, ["content"] = content };
        Dictionary<string, object?>[] rows =
        [
            new() { ["messages"] = new List<IDictionary<string, object?>> { Turn("user", "A"), Turn("assistant", "B") } },
            new() { ["messages"] = new List<IDictionary<string, object?>> { Turn("user", "C"), Turn("assistant", "D"),
                Turn("tool", "E") } },
        ];
        await using (var stream = File.Create(path))
            await ParquetSerializer.SerializeUntypedAsync(rows, schema, stream, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal([new Example("A", "B"), new Example("C", "D")], Read(path));
    }

    [Fact]
    public void DamagedParquetIsRefused() => AssertSays("could not be read as Parquet", Error(".parquet", "PAR1 no, it is not"));

    [Fact]
    public void RangesOfRowsAreReadAndChecked()
    {
        var path = Write(".csv", "goal,target\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"G{i},T{i}\n")));
        Assert.Equal([new Example("G3", "T3"), new Example("G4", "T4")],
            DataFile.Read(path, RowRange.Parse("3-4"), cancellationToken: TestContext.Current.CancellationToken));
        AssertSays("has the rows 0-9", Message(() => RowRange.Parse("3-10").Of(Read(path), path)));
    }

    [Fact]
    public void TheRealFilesAreReadWhole()
    {
        var harmful = Read(Fixtures.Shared("data", "advbench.csv"));
        Assert.Equal(520, harmful.Count);
        Assert.All(harmful, example => Assert.NotEmpty(example.Answer));
        var refusals = Read(Fixtures.Shared("data", "refusals.json"));
        Assert.Equal(369, refusals.Count);
        Assert.Equal(1000, Read(Fixtures.Shared("data", "helpful.json")).Count);

        var pairs = Refusals.Pair([.. harmful.Select(example => example.Request)], refusals, seed: 0).Examples;
        Assert.All(pairs, pair => Assert.True(Refusals.IsRefusal(pair.Answer)));
        Assert.True(pairs.Count(pair => !Refusals.Generic.Contains(pair.Answer)) > 300);
    }
}

/// <summary>A row of a Parquet file; public because the serializer compiles code for it.</summary>
public sealed class Exchange
{
    public string Goal { get; set; } = "";

    public string Target { get; set; } = "";
}
