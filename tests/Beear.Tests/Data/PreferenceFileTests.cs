using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beear.Data;
using Beear.Text;
using Parquet.Serialization;

namespace Beear.Tests.Data;

public sealed class PreferenceFileTests
{
    private const string TwoTurns = @"\n\nHuman: How do birds fly?\n\nAssistant: They flap. \n\nHuman:  And glide? \n\nAssistant:";
    private const string Expected = "user: How do birds fly? | assistant: They flap. | user: And glide? => Yes.\n\nThey do. / No.";

    private static string Write(string extension, string content)
    {
        string path = Path.Combine(Fixtures.TemporaryFolder(), $"pairs{extension}");
        File.WriteAllText(path, content);
        return path;
    }

    private static PreferenceData Read(string path, string? rows = null) =>
        PreferenceFile.Read(path, rows is null ? null : RowRange.Parse(rows), TestContext.Current.CancellationToken);

    private static string Text(PreferencePair pair) =>
        string.Join(" | ", pair.Context.Select(turn => $"{turn.Role}: {turn.Content}")) + $" => {pair.Chosen} / {pair.Rejected}";

    private static string Line(string chosen, string rejected) => $$"""{"chosen": "{{chosen}}", "rejected": "{{rejected}}"}""";

    private static string Hh(string chosen, string rejected) => Line($"{TwoTurns} {chosen}", $"{TwoTurns} {rejected}");

    private static void AssertRefused(string expected, string path)
    {
        string message = Assert.Throws<BeearException>(() => Read(path)).Message;
        Assert.True(message.Contains(expected, StringComparison.Ordinal), message);
    }

    [Theory, InlineData(".jsonl"), InlineData(".json")]
    public void Dialogues_of_hh_rlhf_part_before_the_last_answer(string extension)
    {
        string line = Hh(@"Yes.\n\nThey do.", "No.");

        var read = Read(Write(extension, extension == ".json" ? $"[{line},\n{line}]" : $"{line}\n{line}\n"));

        Assert.Equal([Expected, Expected], read.Pairs.Select(Text));
        Assert.Null(read.Finding);
        Assert.EndsWith("pairs" + extension + "', line 2, column 'chosen'", read.Pairs[1].ChosenExample.Named, StringComparison.Ordinal);
    }

    [Fact]
    public void A_packed_file_is_unpacked()
    {
        string path = Path.Combine(Fixtures.TemporaryFolder(), "train.jsonl.gz");
        using (var gzip = new GZipStream(File.Create(path), CompressionMode.Compress))
            gzip.Write(Encoding.UTF8.GetBytes(Hh(@"Yes.\n\nThey do.", "No.")));

        Assert.Equal(Expected, Text(Assert.Single(Read(path).Pairs)));
    }

    [Fact]
    public async Task Csv_and_parquet_are_read_like_json()
    {
        string dialogue = JsonSerializer.Deserialize<string>($"\"{TwoTurns}\"")!;
        string csv = Write(".csv", $"chosen,rejected\n\"{dialogue} Yes.\n\nThey do.\",\"{dialogue} No.\"\n");
        string parquet = Path.Combine(Fixtures.TemporaryFolder(), "pairs.parquet");
        Row[] rows = [new($"{dialogue} Yes.\n\nThey do.", $"{dialogue} No.")];
        await using (var file = File.Create(parquet))
            await ParquetSerializer.SerializeAsync(rows, file, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(Expected, Text(Assert.Single(Read(csv).Pairs)));
        Assert.Equal(Expected, Text(Assert.Single(Read(parquet).Pairs)));
    }

    private sealed record Row(string chosen, string rejected);

    [Theory]
    [InlineData("""{"prompt": "Q", "chosen": "A", "rejected": "B"}""", "user: Q => A / B")]
    [InlineData("""{"question": "Q", "chosen": "A", "rejected": "B", "system": "S"}""", "system: S | user: Q => A / B")]
    [InlineData("""{"prompt": [user Q], "chosen": [assistant A], "rejected": [assistant B]}""", "user: Q => A / B")]
    [InlineData("""{"chosen": [system S, user Q, assistant A], "rejected": [system S, user Q, assistant B]}""",
        "system: S | user: Q => A / B")]
    [InlineData("""{"prompt": "Q", "chosen": [user Q, assistant A], "rejected": [user Q, assistant B]}""", "user: Q => A / B")]
    [InlineData("""{"prompt": [user P], "chosen": [assistant O, user Q, assistant A], "rejected": [assistant O, user Q, assistant B]}""",
        "user: P | assistant: O | user: Q => A / B")]
    [InlineData("""{"prompt": "\n\nHuman: Q\n\nAssistant:", "chosen": " A", "rejected": " B"}""", "user: Q =>  A /  B")]
    [InlineData("""{"prompt": "Q", "chosen": "The Assistant: A", "rejected": "5"}""", "user: Q => The Assistant: A / 5")]
    public void Prompts_and_turns_are_read_as_trl_has_them(string line, string expected)
    {
        foreach (string role in new[] { "user", "assistant", "system" })
        {
            string turn = $$"""{"role": "{{role}}", "content": "${said}"}""";
            line = Regex.Replace(line, $@"\b{role} (?<said>[A-Z])\b", turn, RegexOptions.NonBacktracking);
        }

        Assert.Equal([expected], Read(Write(".jsonl", line)).Pairs.Select(Text));
    }

    [Fact]
    public void Pairs_that_cannot_be_used_are_left_out_and_counted()
    {
        string path = Write(".jsonl", string.Join('\n', Hh("Yes.", "No."),
            Line(@"\n\nHuman: P\n\nAssistant: A", @"\n\nHuman: Q\n\nAssistant: B"),
            Line(@"\n\nHuman: P\n\nAssistant: A", @"\n\nHuman: P\n\nAssistant: B\n\nHuman: Q\n\nAssistant: C"),
            Hh("Same.", "Same."), Hh("Yes.", ""), Line(@"\n\nHuman: P\n\nAssistant: A", @"\n\nHuman: P"), Hh("Last.", "No.")));

        var read = Read(path);

        Assert.Equal(["Yes.", "Last."], read.Pairs.Select(pair => pair.Chosen));
        Assert.Equal($"5 of 7 pairs are left out; the first is in '{path}', line 2, column 'rejected': it answers another conversation "
            + "than column 'chosen'; give both sides the same turns up to the user's last one.", read.Finding);
        Assert.Contains("1 of 2 pairs are left out; the first is in", Read(path, "5-6").Finding, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"\n\nHuman: P\n\nAssistant: A", @"\n\nHuman: Q\n\nAssistant: B",
        "'rejected': it answers another conversation than column 'chosen'; give")]
    [InlineData(@"\n\nHuman: P\n\nAssistant: A", @"\n\nHuman: P\n\nAssistant: A",
        "'rejected': it holds the same answer as column 'chosen'; give two")]
    [InlineData(@"\n\nHuman: P\n\nAssistant: ", @"\n\nHuman: P\n\nAssistant: A", "'chosen': it holds an empty answer; write one.")]
    [InlineData(@"\n\nHuman: \n\nAssistant: A", @"\n\nHuman: \n\nAssistant: B",
        "'chosen': it holds an empty turn of the user before the answer; write one.")]
    [InlineData(@"\n\nHuman: P\n\nAssistant: A", @"\n\nHuman: P\n\nAssistant: A\n\nAssistant: B",
        "'rejected': it does not end with a turn of the user and one answer")]
    public void A_file_without_usable_pairs_is_refused(string chosen, string rejected, string problem)
    {
        string path = Write(".jsonl", $"\n{Line(chosen, rejected)}");

        AssertRefused($"None of the 1 pairs can be used; the first is in '{path}', line 2, column {problem}", path);
    }

    [Theory]
    [InlineData("""{"chosen": "\n\nAssistant: A", "rejected": "\n\nAssistant: B"}""",
        @"line 2, column 'chosen': it holds no turn of the user; write it as ""\n\nHuman: …")]
    [InlineData("""{"chosen": "A", "rejected": "B"}""", "line 2, column 'chosen': it holds no turn of the user")]
    [InlineData("""{"chosen": {"a": 1}, "rejected": "B"}""", "line 2, column 'chosen': it holds an object where a text is expected.")]
    [InlineData("""{"chosen": null, "rejected": "B"}""", "line 2, column 'chosen': it is null where a text is expected.")]
    [InlineData("""{"prompt": "Q", "chosen": "A", "rejected": [3]}""", "line 2, column 'rejected', turn 1: it is a number where a turn")]
    [InlineData("""{"prompt": {}, "chosen": "A", "rejected": "B"}""",
        "line 2, column 'prompt': it holds an object where a text is expected.")]
    [InlineData("""{"prompt": "Q", "chosen": [{"role": "narrator", "content": "A"}], "rejected": "B"}""",
        "line 2, column 'chosen', turn 1: it is by 'narrator'")]
    [InlineData("""{"chosen": "A\ud800", "rejected": "B"}""", "line 2, column 'chosen': it holds half of a surrogate pair")]
    [InlineData("""{"prompt": "Q", "chosen": "A"}""",
        "has no pairs of answers: its columns are 'prompt', 'chosen'; call those of the answers 'chosen' and 'rejected'.")]
    [InlineData("[1]", "line 2, column 2: there is a number where a row")]
    public void Wrong_values_are_refused_with_their_place(string line, string expected) =>
        AssertRefused(expected, Write(".jsonl", $"\n{line}"));

    [Fact]
    public void A_row_without_a_column_names_it() =>
        AssertRefused("line 2: there is no column 'rejected'; the columns are 'chosen'.",
            Write(".jsonl", $"{Hh("Yes.", "No.")}\n{{\"chosen\": \"{TwoTurns} Yes.\"}}"));

    [Fact]
    public void An_example_of_a_pair_is_its_conversation_with_one_answer()
    {
        var pair = Read(Write(".jsonl", Hh("Yes.", "No."))).Pairs[0];

        Assert.Equal(("And glide?", "Yes."), (pair.ChosenExample.Request, pair.ChosenExample.Answer));
        Assert.Equal(("And glide?", "No."), (pair.RejectedExample.Request, pair.RejectedExample.Answer));
        Assert.Equal([ChatTurn.User("How do birds fly?"), ChatTurn.Assistant("They flap.")], pair.ChosenExample.Context);
        Assert.Equal(pair.Context, pair.ChosenExample.Conversation);
    }
}
