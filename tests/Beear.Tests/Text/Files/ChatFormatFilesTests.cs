using Beear.Tests.Checkpoints;
using Beear.Tests.Text.Tokenization;
using Beear.Text;
using Beear.Text.Files;

namespace Beear.Tests.Text.Files;

public class ChatFormatFilesTests
{
    private const string Config = """{"model_type":"llama","eos_token_id":1}""";
    private const string TokenizerConfig = """{"bos_token":{"content":"<s>"},"eos_token":"</s>","pad_token":null,"chat_template":"from config"}""";

    private const string Named = """{"eos_token":"</s>","chat_template":[{"name":"tool_use","template":"tools"},{"name":"default","template":"from list"}]}""";

    private const string Tokenizer = """
        {"version":"1.0","added_tokens":[
          {"id":3,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
          {"id":4,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
        "normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
        "post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
        "model":{"type":"BPE","vocab":{"f":0,"r":1,"fr":2,"o":5,"m":6,"fro":7,"from":8,"Ġ":9,"j":10,"i":11,"n":12,"a":13,"c":14,"g":15},
        "merges":["f r","fr o","fro m"]}}
        """;

    [Fact]
    public void Every_file_that_names_an_end_of_turn_is_heard()
    {
        Assert.Equal([1, 4], Load(Files()).EndOfTurn.Order());
        Assert.Equal([0, 1, 2, 4], Load([.. Files(), ("generation_config.json", """{"eos_token_id":[0,2,1]}""")]).EndOfTurn.Order());
        Assert.Equal([4], Load([("config.json", """{"eos_token_id":null}"""), .. Files()[1..]]).EndOfTurn);
        var silent = Files(tokenizerConfig: """{"chat_template":"x"}""");
        silent[0] = ("config.json", "{}");
        Assert.Contains("ends a turn", Assert.Throws<BeearException>(() => Load(silent)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_is_taken_from_its_own_file_then_from_the_tokenizers_config_then_from_the_processors()
    {
        (string, string) jinja = ("chat_template.jinja", "from jinja"), processor = ("chat_template.json", """{"chat_template":"from processor"}""");
        Assert.Equal("default: from config", Templates([.. Files(), processor]));
        Assert.Equal("default: from list, tool_use: tools", Templates(Files(Named)));
        Assert.Equal("default: from jinja", Templates([.. Files(Named), jinja]));
        Assert.Equal("default: from processor", Templates([.. Files("{}"), processor]));
    }

    [Fact]
    public void More_templates_lie_in_a_folder_of_their_own()
    {
        (string, string) tools = ("additional_chat_templates/tool_use.jinja", "from folder"),
            rag = ("additional_chat_templates/rag.jinja", "rag");
        Assert.Equal("default: from jinja, rag: rag, tool_use: from folder",
            Templates([.. Files(Named), ("chat_template.jinja", "from jinja"), tools, rag]));
        Assert.Equal("default: from list, tool_use: from folder", Templates([.. Files(Named), tools]));
    }

    [Fact]
    public void The_template_for_tools_is_used_where_there_are_tools()
    {
        var format = Load(Files(Named));
        Assert.Equal("from list", format.Render([]).Text);
        Assert.Equal("tools", format.Render([], new TemplateOptions { Tools = [] }).Text);
        Assert.Equal("from list", format.Render([], new TemplateOptions { Tools = [], Template = "default" }).Text);
        Assert.Equal(["default", "tool_use"], format.Templates.Names);
        Assert.Contains("\"rag\"; it has \"default\", \"tool_use\"",
            Assert.Throws<BeearException>(() => format.Render([], new TemplateOptions { Template = "rag" })).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void Templates_get_the_special_tokens_that_are_set()
    {
        var folder = CheckpointTests.Folder([.. Files(), ("special_tokens_map.json", """{"bos_token":"other","unk_token":"<unk>"}""")]);
        var variables = ChatFormatFiles.SpecialTokens(ModelFiles.In(folder, folder));
        Assert.Equal(["bos_token=<s>", "eos_token=</s>", "unk_token=<unk>"],
            variables.Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"chat_template":null}""")]
    [InlineData("""{"chat_template":[{"name":"rag","template":"x"}]}""")]
    public void A_missing_template_is_an_error_that_says_where_one_was_sought(string tokenizerConfig)
    {
        var error = Assert.Throws<BeearException>(() => Load(Files(tokenizerConfig)));
        Assert.Contains("chat_template.jinja", error.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer_config.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_or_damaged_tokenizer_is_an_error_that_names_the_file()
    {
        Assert.Contains("tokenizer.json", Assert.Throws<BeearException>(() => Load(Files()[..1])).Message, StringComparison.Ordinal);
        var damaged = Files();
        damaged[1] = ("tokenizer.json", Tokenizer[..200]);
        Assert.Contains("tokenizer.json", Assert.Throws<BeearException>(() => Load(damaged)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", new[] { 1, 6, 7, 6, 4 })]
    [InlineData("false", new[] { 1, 6, 7, 4, 4 })]
    [InlineData("null", new[] { 1, 6, 7, 6, 4 })]
    public void Without_a_tokenizer_json_the_SentencePiece_model_is_read_with_what_the_config_adds(string legacy, int[] expected)
    {
        var folder = CheckpointTests.Folder(
            ("config.json", Config),
            ("tokenizer_config.json", $$"""{ "legacy": {{legacy}}, "chat_template": "x", "eos_token": "</s>", "added_tokens_decoder": { "7": { "content": "<|end|>", "special": true } } }"""),
            ("added_tokens.json", """{"<|end|>":7}"""));
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), SentencePieceTests.Model(bytePair: true,
            [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -10, 1), ("a", -11, 1), ("b", -12, 1), ("▁a", -1, 1)],
                removeExtra: false));
        var tokenizer = ChatFormat.Load(folder).Tokenizer;
        Assert.Equal(expected, tokenizer.Encode("a<|end|>aa", addSpecialTokens: true));
        Assert.True(tokenizer.IsSpecial(7));
    }

    [Fact]
    public void A_folders_config_says_how_many_tokens_the_model_was_made_for()
    {
        const string Template = """{"eos_token":"</s>","chat_template":"{{ messages[0].content }}"}""";
        ChatTurn[] long40 = [ChatTurn.User(new('f', 40))];

        Assert.Equal(40, Load(Files(Template)).EncodePrompt(long40).Length);
        var bounded = Load([("config.json", """{"max_position_embeddings":40}"""), .. Files(Template)[1..]]);
        Assert.Contains("made for 40", Assert.Throws<BeearException>(() => bounded.EncodePrompt(long40)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named() =>
        Assert.Contains("no folder 'nowhere'", Assert.Throws<BeearException>(() => ChatFormat.Load("nowhere")).Message,
            StringComparison.Ordinal);

    private static (string Name, string Text)[] Files(string tokenizerConfig = TokenizerConfig) =>
        [("config.json", Config), ("tokenizer.json", Tokenizer), ("tokenizer_config.json", tokenizerConfig)];

    private static ChatFormat Load((string Name, string Text)[] files) => ChatFormat.Load(CheckpointTests.Folder(files));

    private static string Templates((string Name, string Text)[] files)
    {
        var folder = CheckpointTests.Folder(files);
        return string.Join(", ", ChatTemplateFiles.Sources(ModelFiles.In(folder, folder)).Select(source => $"{source.Key}: {source.Value}")
            .Order(StringComparer.Ordinal));
    }
}
