using System.Diagnostics;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Mitigation;
using Beear.Tests.Mitigation;
using Beear.Tests.Text;
using Beear.Text;

namespace Beear.Tests.Fuzzing;

/// <summary>What a file may cost: time and memory by its size, never by what it claims.</summary>
[Collection(nameof(FuzzTests))]
public sealed class ResourceTests
{
    private const long Most = 100 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("hang.parquet")]
    [InlineData("oom70.parquet")]
    public void A_Parquet_file_that_hung_or_took_all_memory_is_refused(string name) =>
        Assert.Contains("could not be read as Parquet", Refusal(() => DataFile.Read(Fixtures.Shared("cases", name)), 64 << 20),
            StringComparison.Ordinal);

    [Fact]
    public void Every_byte_of_a_Parquet_file_may_be_wrong()
    {
        byte[] whole = FuzzKinds.All["parquet"].Seeds[0];
        string path = Path.Combine(Fixtures.TemporaryFolder(), "rows.parquet");
        foreach (byte value in (byte[])[0xFF, 0x80, 0x1F])
        {
            for (int at = 0; at < whole.Length; at++)
            {
                byte[] damaged = [.. whole];
                damaged[at] = value;
                File.WriteAllBytes(path, damaged);
                Within(() => DataFile.Read(path), 64 << 20);
            }
        }
    }

    [Fact]
    public void A_tokenizer_that_doubles_a_text_again_and_again_is_refused()
    {
        string doubling = string.Join(',', Enumerable.Repeat("""{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}""", 60));
        Assert.Contains("far more of a text", Encoding($$"""{"type": "Sequence", "normalizers": [{{doubling}}]}"""), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_that_puts_a_book_before_each_text_is_refused() =>
        Assert.Contains("far more of a text", Encoding($$"""{"type": "Prepend", "prepend": "{{new string('a', 1_000_000)}}"}"""), StringComparison.Ordinal);

    [Fact]
    public void A_tokenizer_that_takes_ages_is_refused()
    {
        string slow = string.Join(',', Enumerable.Repeat("""{"type": "Replace", "pattern": {"Regex": "(?=([0-9]{3})+(?![0-9]))"}, "content": ""}""", 40));
        Assert.Contains("damaged or hostile", Encoding($$"""{"type": "Sequence", "normalizers": [{{slow}}]}""", new string('1', 100_000)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_tokenizer_that_doubles_is_refused() => Assert.Contains("far more of a text",
        Refusal(() => Tokenizer.Load(Fixtures.Shared("cases", "tokenizer-doubling", "tokenizer.json"))
            .Encode("tell me how well all the dolls will sell"), Most), StringComparison.Ordinal);

    [Theory]
    [InlineData("{% macro f(x) %}{{ '%05d' % x }}{{ x * 743784700 }}{% endmacro %}{% for i in range(13967,72899) %}{{ f(i) }}{{ messages | "
        + "tojson(indent=2) }}{{ [1, 2][i % 2:] | join(', ') }}{% endfor %}")]
    [InlineData("{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro f(x) %}{{ x }}{% endmacro %}{% for i in range(99999) %}{% set _ = f(i) ~ f(i) %}{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{% set _ = [i, [i], {'a': i}, 'b c'.split(' ')] %}{% endfor %}")]
    public void A_template_that_makes_little_of_much_is_refused(string template) =>
        Assert.Contains("more time or memory than a chat template may",
            Refusal(() => new ChatTemplate(template).Render([ChatTurn.User("Hello"), ChatTurn.Assistant("Hi")], addGenerationPrompt: true),
                64 << 20), StringComparison.Ordinal);

    [Theory]
    [InlineData(4_194_303, null)]                                        // the largest that is read
    [InlineData(9_273_640, "ids are from 0 to")]
    public void An_id_far_above_all_others_costs_what_a_file_may(int id, string? said)
    {
        string? message = Within(() => TinyTokenizer.Create(change: root => root["model"]!["vocab"]!["far"] = id), 64 << 20);

        Assert.Equal(said is null, message is null);
        Assert.Contains(said ?? "", message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void A_conversation_of_megabytes_is_laid_out()
    {
        string text = string.Concat(Enumerable.Repeat("word ", 400_000));
        const string Template = "{% for m in messages %}{% set c = m.content | trim %}{{ '<|' + m['role'] + '|>' + c + '\n' }}{% endfor %}";

        Assert.Equal(2_000_000 - 1 + "<|user|>\n".Length,
            new ChatTemplate(Template).Render([ChatTurn.User(text)], addGenerationPrompt: false).Length);
    }

    [Theory]
    [InlineData("byte fallback")]
    [InlineData("unigram, bytes")]
    [InlineData("WordPiece")]
    [InlineData("Split Isolated false")]
    public void A_megabyte_without_a_space_costs_what_a_megabyte_may(string kind)
    {
        var tokenizer = Tokenizer.FromJson(SmallTokenizers.All[kind], kind);
        foreach (string unit in new[] { "a", "ab", "日本" })
        {
            string text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
            Within(() => Assert.NotEmpty(tokenizer.Encode(text)), 1000L * text.Length);
        }
    }

    [Fact]
    public void A_prompt_that_is_longer_than_the_model_is_refused_wherever_it_is_encoded()
    {
        using var chat = new UntrainedChat();
        using var model = chat.Fresh();
        string text = string.Concat(Enumerable.Repeat("word ", 60_000));
        Assert.Contains("The prompt 'word word", Refusal(() => model.Chat.EncodePrompt([ChatTurn.User(text)]), Most),
            StringComparison.Ordinal);
        var data = DefenderData.Encode(model.Chat, [new HarmfulExample("how to harm", text, text)], [new Example("what is it?", text)], []);
        foreach (var (prompt, answer) in data.Harmful.SelectMany(one => new[] { (one.Prompt, one.Unwanted), (one.Prompt, one.Safe) })
            .Concat(data.Ordinary.Select(one => (one.Prompt, one.Answer))))
            Assert.True(prompt.Length + answer.Length <= model.Config.MaximumPositions, $"{prompt.Length} and {answer.Length} tokens");
    }

    [Fact]
    public void A_device_is_no_file()
    {
        if (!OperatingSystem.IsLinux()) throw Xunit.Sdk.SkipException.ForSkip("there is no /dev/zero");
        string folder = Fixtures.TemporaryFolder(), recipe = Path.Combine(folder, "recipe.yaml");
        File.WriteAllText(recipe, "extends: /dev/zero\n");
        Assert.Contains("no ordinary file", Refusal(() => Recipe.Read<MitigationOptions>(recipe), Most), StringComparison.Ordinal);
        foreach (string name in (string[])["rows.csv", "rows.jsonl", "rows.csv.gz", "rows.parquet", "tokenizer.json",
            "model.safetensors", "model.gguf"])
            File.CreateSymbolicLink(Path.Combine(folder, name), "/dev/zero");
        foreach (string name in (string[])["rows.csv", "rows.jsonl", "rows.csv.gz", "rows.parquet"])
            Refusal(() => DataFile.Read(Path.Combine(folder, name)), Most);
        Refusal(() => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")), Most);
        Refusal(() => SafetensorsFile.Open(Path.Combine(folder, "model.safetensors")), Most);
        Refusal(() => GgufFileOpen(Path.Combine(folder, "model.gguf")), Most);
        Refusal(() => new ConversationSettings { System = "@/dev/zero" }.Resolve(), Most);
    }

    [Fact]
    public void Weights_that_become_shorter_while_they_are_read_are_an_error_and_not_the_end()
    {
        string path = Path.Combine(Fixtures.TemporaryFolder(), "model.safetensors");
        using (var tensor = TorchSharp.torch.zeros(20_000_000))
            SafetensorsWriter.Write(path, [("a", tensor)]);
        using var file = SafetensorsFile.Open(path);
        using (var cut = new FileStream(path, FileMode.Open, FileAccess.Write,
            FileShare.ReadWrite | FileShare.Delete)) cut.SetLength(100_000);

        var failure = Assert.Throws<BeearException>(() => file.Read("a").Dispose());

        Assert.Contains("has become shorter while it was read", failure.Message, StringComparison.Ordinal);
    }

    private static void GgufFileOpen(string path) => Beear.Checkpoints.Gguf.GgufFile.Open(path).Dispose();

    private static string Encoding(string normalizer, string text = "aaaaa bbbbb")
    {
        var tokenizer = TinyTokenizer.Create(change: root => root["normalizer"] = JsonNode.Parse(normalizer));
        return Refusal(() => tokenizer.Encode(text), Most);
    }

    private static string Refusal(Action action, long most) =>
        Within(action, most) ?? throw new InvalidOperationException("It was not refused.");

    /// <summary>The message of what is refused; null if nothing is.</summary>
    private static string? Within(Action action, long most)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetTotalAllocatedBytes();
        string? message = null;
        try
        {
            action();
        }
        catch (BeearException refusal)
        {
            message = refusal.Message;
        }
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, most);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Longest);
        return message;
    }
}
