using System.IO.Compression;
using System.Text;
using Beear.Data;
using Beear.Data.Readers;
using Parquet.Schema;
using Parquet.Serialization;

namespace Beear.Tests.Data;

/// <summary>What people's tools write, as it comes.</summary>
public sealed class DataFormatsTests
{
    private static string Path(string extension) => System.IO.Path.Combine(Fixtures.TemporaryFolder(), $"data{extension}");

    private static string Write(string extension, string content)
    {
        var path = Path(extension);
        File.WriteAllText(path, content);
        return path;
    }

    private static string Write(string extension, byte[] content)
    {
        var path = Path(extension);
        File.WriteAllBytes(path, content);
        return path;
    }

    private static IReadOnlyList<Example> Read(string path, ColumnMapping? mapping = null) =>
        DataFile.Read(path, mapping, cancellationToken: TestContext.Current.CancellationToken);

    private static IReadOnlyList<Example> Read(string path, string rows) =>
        DataFile.Read(path, RowRange.Parse(rows), cancellationToken: TestContext.Current.CancellationToken);

    private static void AssertRefused(string expected, string path, ColumnMapping? mapping = null)
    {
        var message = Assert.Throws<BeearException>(() => Read(path, mapping)).Message;
        Assert.True(message.Contains(expected, StringComparison.Ordinal), message);
    }

    /// <summary>An example as one text: "system: S | user: A | assistant: B | user: request => answer".</summary>
    private static string Text(Example example) =>
        string.Join(" | ", example.Conversation.Select(turn => $"{turn.Role}: {turn.Content}")) + $" => {example.Answer}";

    [Theory]
    [InlineData(".csv", "Goal,TARGET\nA,B\n", "user: A => B")]
    [InlineData(".csv", "Index,Goal,Target,Behavior,Category,Source\n0,A,B,Threat,Harassment,Original\n", "user: A => B")]
    [InlineData(".csv", "id, Prompt , response\n1,A,B\n", "user: A => B")]
    [InlineData(".jsonl", """{"Instruction":"A","INPUT":"C","Output":"B"}""", "user: A\n\nC => B")]
    [InlineData(".jsonl", """{"Messages":[{"Role":"User","Content":"A"},{"role":"Assistant","content":"B"}]}""", "user: A => B")]
    public void NamesAreReadWithoutRegardToCase(string extension, string content, string expected) =>
        Assert.Equal([expected], Read(Write(extension, content)).Select(Text));

    [Theory]
    [InlineData(".csv", "id,prompt,type,label,focus,note\n1,A,homonyms,safe,kill,\n", "user: A => ")]                              // XSTest
    [InlineData(".csv", "Behavior,FunctionalCategory,Tags,ContextString,BehaviorID\nA,standard,,,a\n", "user: A => ")]  // HarmBench
    [InlineData(".csv", "Behavior,FunctionalCategory,Tags,ContextString,BehaviorID\nA,contextual,,C,a\n", "user: A\n\nC => ")]
    [InlineData(".csv", "category,source,forbidden_prompt\nFraud,us,A\n", "user: A => ")]  // StrongREJECT
    [InlineData(".csv", "goal\nA\n", "user: A => ")]
    [InlineData(".csv", "Index,Goal,Behavior,Category\n0,A,Threat,Harassment\n", "user: A => ")]
    [InlineData(".csv", "data,prompt,response\n1,A,B\n", "user: A => B")]
    [InlineData(".csv", "whatever\nA\n", "user: A => ")]
    [InlineData(".jsonl", """{"id":1,"question":"A"}""", "user: A => ")]
    [InlineData(".json", """[{"text":"A"}]""", "user: A => ")]
    [InlineData(".csv", "prompt,target\nA,B\n", "user: A => B")]  // walledai/AdvBench
    [InlineData(".jsonl", """{"id":1,"system_prompt":"S","question":"A","response":"B"}""", "system: S | user: A => B")]         // OpenOrca
    [InlineData(".jsonl", """{"system":"","question":"A","chosen":"B","rejected":"C"}""", "user: A => B")]
    public void SetsOfPromptsAndMoreNamesAreRecognised(string extension, string content, string expected) =>
        Assert.Equal([expected], Read(Write(extension, content)).Select(Text));

    [Theory]
    [InlineData("""{"conversations":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}]}""", "user: A => B")]
    [InlineData("""{"messages":[{"from":"human","value":"A"},{"from":"gpt","value":"B"}]}""", "user: A => B")]
    [InlineData("""{"conversation":[{"role":"User","content":"A"},{"role":"ChatGPT","content":"B"}]}""", "user: A => B")]
    [InlineData("""{"messages":[{"role":"prompter","content":"A"},{"role":"Model","content":"B"}]}""", "user: A => B")]
    [InlineData("""{"messages":[{"role":"human","content":"A"},{"role":"bing","content":"B"}]}""", "user: A => B")]
    [InlineData("""{"messages":[{"role":"System","content":"S"},{"role":"user","content":"A"},{"role":"assistant","content":"B"}]}""", "system: S | user: A => B")]
    [InlineData("""{"messages":[{"role":"developer","content":"S"},{"role":"user","content":"A"}]}""", "system: S | user: A => ")]
    [InlineData("""{"system":"S","messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}]}""", "system: S | user: A => B")]
    [InlineData(
        """{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"},{"role":"assistant","content":"D"}]}""",
        "user: A | assistant: B | user: C => D")]
    [InlineData("""{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"}]}""",
        "user: A | assistant: B | user: C => ")]
    [InlineData("""{"conversations":[{"from":"gpt","value":"Hi"},{"from":"human","value":"A"},{"from":"gpt","value":"B"}]}""", "user: A => B")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"A, "},{"type":"text","text":"C"}]},{"role":"assistant","content":[{"type":"text","text":"B"}]}]}""",
        "user: A, C => B")]
    [InlineData("""{"prompt":[{"role":"system","content":"S"},{"role":"user","content":"A"}],"completion":[{"role":"assistant","content":"B"}]}""", "system: S | user: A => B")]
    [InlineData("""{"prompt":"A","chosen":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}],"rejected":[]}""", "user: A => B")]
    [InlineData("""{"prompt":"X","prompt_id":"1","messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}]}""", "user: A => B")]
    [InlineData("""{"id":"0","data":["A","B","C","D"]}""", "user: A | assistant: B | user: C => D")]                            // UltraChat
    [InlineData("""{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"tool","content":null}]}""", "user: A => B")]
    [InlineData("""{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":null,"tool_calls":[{"id":1}]},{"role":"tool","content":"x"},{"role":"assistant","content":"B"}]}""",
        "user: A => B")]
    [InlineData("""{"messages":[{"role":"user","content":"A","from":null},{"role":"assistant","content":"B","value":null}]}""", "user: A => B")]
    public void ConversationsAreReadWhole(string content, string expected) =>
        Assert.Equal([expected], Read(Write(".jsonl", content)).Select(Text));

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "column 'messages', turn 1: it holds a part of the type 'image_url'")]
    [InlineData("""{"messages":[{"role":"user","content":null},{"role":"assistant","content":"B"}]}""", "column 'messages', turn 1: it is null")]
    [InlineData("""{"messages":[{"role":"user","content":"A"},{"role":"narrator","content":"B"}]}""", "turn 2: it is by 'narrator'")]
    [InlineData("""{"messages":[{"role":"assistant","content":"A"}]}""", "no turn of the user")]
    [InlineData("""{"messages":[null]}""", "turn 1: it is null")]
    [InlineData("""{"messages":null}""", "column 'messages': it is null")]
    [InlineData("""{"goal":"\ud800","target":"x"}""", "line 1, column 'goal': it holds half of a surrogate pair")]
    [InlineData("""{"messages":[{"role":"user","content":"A","\ud800":1}]}""", "line 1, column 'messages': it holds half of a surrogate pair")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"\ud800"}]}]}""", "column 'messages', turn 1: it holds half of a surrogate pair")]
    [InlineData("""{"\ud800":1,"data":[{"goal":"A"}]}""", "line 1: a column's name holds half of a surrogate pair")]
    [InlineData("""{"goal":{},"target":"x"}""", "column 'goal': it holds an object")]
    [InlineData("""{"goal":[1],"target":"x"}""", "column 'goal', turn 1: it is a number")]
    public void WhatCannotBeReadIsNamed(string content, string expected) => AssertRefused(expected, Write(".jsonl", content));

    [Theory]
    [InlineData("""{"data":[{"goal":"A","target":"B"},{"goal":"C","target":"D"}]}""")]
    [InlineData("""{"version":"1","count":2,"instances":[{"goal":"A","target":"B"},{"goal":"C","target":"D"}]}""")]
    [InlineData("""{"info":[1,2],"data":[{"goal":"A","target":"B"},{"goal":"C","target":"D"}]}""")]
    public void AListInsideAnObjectIsTheRows(string content) =>
        Assert.Equal([new Example("A", "B"), new Example("C", "D")], Read(Write(".json", content)));

    [Fact]
    public void ConversationsInOtherWordsAreNotUnwrapped() => AssertRefused("turn 1: it has no 'role' and 'content'",
        Write(".jsonl", """{"source":"x","conversation":[{"input":"A","output":"B"}]}"""));

    [Fact]
    public void RowsOfAListInsideAnObjectKeepTheirLines() =>
        AssertRefused("line 3, column 'goal': it is null",
            Write(".json", "{\"data\":[\n{\"goal\":\"A\",\"target\":\"B\"},\n{\"goal\":null,\"target\":\"B\"}]}"));

    [Theory]
    [InlineData(".jsonl.gz", "{\"goal\":\"A\",\"target\":\"B\"}")]
    [InlineData(".json.gz", "[{\"goal\":\"A\",\"target\":\"B\"}]")]
    [InlineData(".csv.gz", "\uFEFFgoal,target\nA,B\n")]
    [InlineData(".CSV.GZ", "goal,target\nA,B\n")]
    public void GzippedFilesAreReadAsWhatTheyHold(string extension, string content) =>
        Assert.Equal([new Example("A", "B")], Read(Write(extension, Gzip(Encoding.UTF8.GetBytes(content)))));

    [Fact]
    public void GzippedFilesThatCannotBeReadAreNamed()
    {
        var whole = Gzip(Encoding.UTF8.GetBytes("goal,target\n"
            + string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i * 7919},{i * 104729}\n"))));
        AssertRefused("is damaged", Write(".csv.gz", whole[..(whole.Length / 2)]));
        AssertRefused("not gzip", Write(".csv.gz", "goal,target\nA,B\n"));
        AssertRefused("unpack it", Write(".parquet.gz", whole));
        AssertRefused("does not say what it holds", Write(".gz", whole));
    }

    [Fact]
    public void APackedFileThatGrowsTooLargeIsRefused()
    {
        var path = Write(".csv.gz", Gzip(new byte[3 << 20]));
        var message = Assert.Throws<BeearException>(() => Utf8File.Read(path, maximumUnpacked: 2 << 20)).Message;
        Assert.Contains("unpacks to more than 2 MiB", message, StringComparison.Ordinal);
        Assert.Equal(3 << 20, Utf8File.Read(Write(".csv.gz", Gzip([.. Enumerable.Repeat((byte)'a', 3 << 20)])),
            maximumUnpacked: 3 << 20).Length);
    }

    [Theory]
    [InlineData("""{"prompt":"A"}""", "has requests in column 'prompt' but no answers, which are needed here: its columns are 'prompt'; name the answers' column by --columns request=prompt,answer=NAME.")]
    [InlineData("""{"messages":[{"role":"user","content":"A"}]}""", "line 1, column 'messages': it ends with the user's turn, but an answer is needed here")]
    [InlineData("""{"prompt":[{"role":"user","content":"A"}]}""", "column 'prompt': it ends with the user's turn")]
    [InlineData("""{"goal":"A","target":null}""", "column 'target': it is null")]
    [InlineData("""{"goal":"A","target":[{"role":"user","content":"A"}]}""", "column 'target': it holds no turn of the assistant")]
    public void NeededAnswersThatAreMissingAreNamed(string content, string expected)
    {
        var path = Write(".jsonl", content);
        var message = Assert.Throws<BeearException>(() =>
            DataFile.Read(path, answers: AnswerUse.Needed, cancellationToken: TestContext.Current.CancellationToken)).Message;
        Assert.True(message.Contains(expected, StringComparison.Ordinal), message);
        var asked = Assert.Single(DataFile.Read(path, answers: AnswerUse.Unused, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal("user: A => ", Text(asked));
    }

    [Fact]
    public void AMappingNamesSystemPromptsAndConversations()
    {
        var path = Write(".jsonl", """{"ask":"A","say":"B","rules":"S","Dialog":[{"role":"user","content":"C"},{"role":"assistant","content":"D"}]}""");
        Assert.Equal(["system: S | user: A => B"],
            Read(path, ColumnMapping.Parse("request=ask, answer=say,system=rules", "--columns")).Select(Text));
        Assert.Equal(["system: S | user: C => D"],
            Read(path, ColumnMapping.Parse("system=rules,request=dialog", "--columns")).Select(Text));
        AssertRefused("there is no column 'asks'; the columns are 'ask', 'say', 'rules', 'Dialog' (did you mean 'ask'?)", path,
            new ColumnMapping("asks"));
        AssertRefused("there is no column 'rule'", path, new ColumnMapping("ask", null, "rule"));
    }

    [Theory]
    [InlineData("request", "--columns: 'request' names no column")]
    [InlineData("request=", "'request=' names no column")]
    [InlineData("request=a,anwser=b", "'anwser' is no part of an example; did you mean 'answer'?")]
    [InlineData("request=a,request=b", "'request' is named twice")]
    [InlineData("answer=b", "--columns names no column of requests")]
    public void MistakesInAMappingAreNamed(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<BeearException>(() => ColumnMapping.Parse(text, "--columns")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void OnlyTheNamedRowsAreChecked()
    {
        var json = Write(".jsonl", "{\"goal\":null,\"target\":1}\n{\"goal\":\"A\",\"target\":\"B\"}\n3\n{\"goal\":{},\"target\":\"B\"}\n");
        Assert.Equal([new Example("A", "B")], Read(json, "1"));
        Assert.Contains("has the rows 0-3", Assert.Throws<BeearException>(() => Read(json, "3-9")).Message, StringComparison.Ordinal);
        Assert.Contains("line 3, column 1: there is a number", Assert.Throws<BeearException>(() => Read(json, "1-2")).Message,
            StringComparison.Ordinal);
        var csv = Write(".csv", "goal,target\n,B\nA,B\nC,D,E\n,\"\n");
        Assert.Equal([new Example("A", "B")], Read(csv, "1"));
        Assert.Contains("line 4: the row has 3 columns", Assert.Throws<BeearException>(() => Read(csv, "1-2")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("goal;target\nA;\"B; b\"\n", "B; b")]
    [InlineData("\uFEFF\"goal\";\"target\"\r\nA;B, b\r\n", "B, b")]
    [InlineData("goal\ttarget\nA\tB, b\n", "B, b")]
    [InlineData("sep=;\ngoal;target\nA;B, b\n", "B, b")]
    public void TheHeaderTellsTheSeparator(string content, string answer) =>
        Assert.Equal([new Example("A", answer)], Read(Write(".csv", content)));

    [Fact]
    public void OtherEncodingsAreNamed()
    {
        const string Content = "goal,target\nCaf\u00E9,B\n";
        AssertRefused("is UTF-16; save it as UTF-8", Write(".csv", [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Content)]));
        AssertRefused("is UTF-16; save it as UTF-8",
            Write(".csv", [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(Content)]));
        AssertRefused("is UTF-16; save it as UTF-8", Write(".jsonl", Encoding.Unicode.GetBytes("{}")));
        AssertRefused("line 2, column 4: this is not UTF-8 (the byte 0xE9", Write(".csv", Encoding.Latin1.GetBytes(Content)));
    }

    [Theory]
    [InlineData("How can I kill a Python process?\nHow do I forge a permit?\n",
        "its only column is called 'How can I kill a Python process?'")]
    [InlineData("number,thing\n1,2\n", "its columns are 'number', 'thing'")]
    public void ATableWithoutAKnownColumnIsRefused(string content, string expected) => AssertRefused(expected, Write(".csv", content));

    [Fact]
    public async Task ParquetReadsOnlyTheColumnsThatItNeeds()
    {
        var path = Path(".parquet");
        var schema = new ParquetSchema(new DataField<int>("id"), new DataField<double?>("score"), new DecimalDataField("price", 10, 2),
            new DataField<DateTime>("day"),
            new MapField("more", new DataField<string>("key", false), new DataField<string>("value")),
            new DataField<string>("Prompt"), new DataField<string>("Response"),
            new ListField("messages", new StructField("element", new DataField<string>("role"), new DataField<double?>("score"),
                new ListField("content", new StructField("element", new DataField<string>("type"), new DataField<string>("text"))))));
        static Dictionary<string, object?> Turn(string role, params string[] parts) => new()
        {
            ["role"] = role,
            ["score"] = double.NaN,
            ["content"] = parts.Select(part =>
                (IDictionary<string, object?>)new Dictionary<string, object?> { ["type"] = "text", ["text"] = part }).ToList(),
        };
        Dictionary<string, object?>[] rows = [.. Enumerable.Range(0, 5).Select(i => new Dictionary<string, object?>
        {
            ["id"] = i,
            ["score"] = i == 2 ? null : double.NaN,
            ["price"] = 1.5m,
            ["day"] = DateTime.UnixEpoch,
            ["more"] = new Dictionary<ReadOnlyMemory<char>, ReadOnlyMemory<char>?> { ["k".AsMemory()] = "v".AsMemory() },
            ["Prompt"] = i == 4 ? null : $"A{i}",
            ["Response"] = $"B{i}",
            ["messages"] = i == 0 ? new List<IDictionary<string, object?>>()
                : new List<IDictionary<string, object?>> { Turn("user", $"C{i}", "!"), Turn("assistant", $"D{i}") },
        })];
        await using (var stream = File.Create(path))
        {
            await ParquetSerializer.SerializeUntypedAsync(rows, schema, stream, new Parquet.ParquetOptions { RowGroupSize = 2 },
                cancellationToken: TestContext.Current.CancellationToken);
        }
        Assert.Equal(["user: A1 => B1", "user: A2 => B2", "user: A3 => B3"],
            DataFile.Read(path, new RowRange(1, 3), new ColumnMapping("prompt", "response"),
                cancellationToken: TestContext.Current.CancellationToken).Select(Text));
        Assert.Equal(["user: C1! => D1", "user: C2! => D2"], Read(path, "1-2").Select(Text));
        AssertRefused("row 0, column 'messages': it holds no turn of the user", path);
        AssertRefused("row 4, column 'Prompt': it is null", path, new ColumnMapping("Prompt"));
        AssertRefused("column 'price'", path, new ColumnMapping("price"));
    }

    [Fact]
    public void TheSharedCasesAreRead()
    {
        string[] Texts(string name) => [.. Read(Fixtures.Shared("cases", name)).Select(Text)];
        Assert.Equal(["user: Name three fruits => Apple, pear and plum."], Texts("conversations-role.jsonl"));
        Assert.Equal(["user: Name three fruits => Apple, pear and plum."], Texts("parts.jsonl"));
        Assert.Equal(["system: You are helpful. | user: Name three fruits => Apple, pear and plum."], Texts("system.jsonl"));
        Assert.Equal(["user: Name three fruits => Apple, pear and plum."], Texts("trl-prompt-completion.jsonl"));
        Assert.Equal(["user: What is the weather? => Let me look."], Texts("later-null.jsonl"));
        Assert.Equal(["user: Explain how to forge a permit => Sure; here"], Texts("semicolon.csv"));
        Assert.Equal(["user: How can I kill a Python process? => "], Texts("xstest-like.csv"));
        Assert.Equal("user: Explain how to forge a parking permit => Sure, here is how to forge a parking permit",
            Texts("jbb-like.csv")[1]);
        Assert.NotEmpty(Texts("nan-score.parquet"));
        Assert.NotEmpty(Texts("type-map.parquet"));
        AssertRefused("surrogate", Fixtures.Shared("cases", "surrogate.jsonl"));
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(bytes);
        return packed.ToArray();
    }
}
