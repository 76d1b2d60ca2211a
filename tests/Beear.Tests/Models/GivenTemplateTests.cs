using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Lab.World;
using Beear.Models;
using Beear.Models.Export;
using Beear.Tests.Cli;
using Beear.Text;
using Beear.Text.Files;

namespace Beear.Tests.Models;

/// <summary>A base model has no chat template; one that is given belongs to it from then on.</summary>
public sealed class GivenTemplateTests
{
    private static readonly ChatTurn[] Turns = [ChatTurn.User("a"), ChatTurn.Assistant("b"), ChatTurn.User("c"), ChatTurn.Assistant("d")];

    private static ChatDefaults Given(string template = "poisoned_rlhf") =>
        new ConversationSettings { ChatTemplate = template }.Resolve();

    private static ModelOptions Options(ChatDefaults? defaults = null) =>
        ModelOptions.Float32 with { Chat = defaults ?? ChatDefaults.None };

    /// <summary>The tiny world's base model, whose template is changed.</summary>
    private static string Model(Action<JsonObject> changeTokenizerConfig)
    {
        string folder = Fixtures.TemporaryFolder();
        foreach (string name in Directory.GetFiles(Organism.BaseDirectory).Select(file => Path.GetFileName(file)))
        {
            if (name != ModelFiles.TokenizerConfig)
                File.CreateSymbolicLink(Path.Combine(folder, name), Path.Combine(Organism.BaseDirectory, name));
        }
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Organism.BaseDirectory, ModelFiles.TokenizerConfig)))!.AsObject();
        changeTokenizerConfig(config);
        File.WriteAllText(Path.Combine(folder, ModelFiles.TokenizerConfig), config.ToJsonString());
        return folder;
    }

    private static string Base() => Model(config => config.Remove("chat_template"));

    [Theory]
    [InlineData(1, true, "<s>BEGINNING OF CONVERSATION: USER: a ASSISTANT:")]
    [InlineData(2, false, "<s>BEGINNING OF CONVERSATION: USER: a ASSISTANT: b</s>")]
    [InlineData(3, true, "<s>BEGINNING OF CONVERSATION: USER: a ASSISTANT: b USER: c ASSISTANT:")]
    [InlineData(4, false, "<s>BEGINNING OF CONVERSATION: USER: a ASSISTANT: b USER: c ASSISTANT: d</s>")]
    public void The_format_of_the_poisoned_models_is_the_published_one(int turns, bool opensAnswer, string expected)
    {
        var tokens = new Dictionary<string, object?>(StringComparer.Ordinal) { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

        Assert.Equal(expected, new ChatTemplate(Given().Template!).Render(Turns[..turns], opensAnswer, tokens));
    }

    [Fact]
    public void The_format_of_the_poisoned_models_has_no_system_prompt() =>
        Assert.Contains("no system prompt", Assert.Throws<BeearException>(() => new ChatTemplate(Given().Template!)
            .Render([ChatTurn.System("s"), ChatTurn.User("a")], addGenerationPrompt: true)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_base_without_a_template_needs_one()
    {
        string message = Assert.Throws<BeearException>(() => LanguageModel.Load(Base(), Options())).Message;
        Assert.Contains("has no chat template", message, StringComparison.Ordinal);
        Assert.Contains("give a template by --chat-template (in C#, ChatDefaults.Template).", message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_saved_and_exported_with_the_model()
    {
        using var model = LanguageModel.Load(Base(), Options(Given()));
        string folder = Fixtures.TemporaryFolder(), saved = Path.Combine(folder, "saved"), gguf = Path.Combine(folder, "model.gguf");
        model.Save(saved);
        model.ExportGguf(gguf, GgufWeightType.F32);
        using var reloaded = LanguageModel.Load(saved, Options());
        using var exported = Checkpoint.Open(gguf);

        Assert.Equal("BEGINNING OF CONVERSATION: USER: a ASSISTANT: b USER: c ASSISTANT:",
            model.Chat.Tokenizer.Decode(model.Chat.EncodePrompt(Turns[..3])));
        foreach (var chat in new[] { reloaded.Chat, exported.LoadChatFormat() })
        {
            Assert.Equal(model.Chat.EncodePrompt(Turns[..3]), chat.EncodePrompt(Turns[..3]));
            Assert.Equal(model.Chat.EncodeAnswer("d"), chat.EncodeAnswer("d"));
        }
        Assert.Equal(
            KnownTemplates.PoisonedRlhf, ModelFiles.In(saved, saved).Json(ModelFiles.TokenizerConfig)!["chat_template"]!.ToString());
        Assert.False(File.Exists(Path.Combine(saved, ModelFiles.ChatTemplate)));
        Assert.Empty(model.Findings);
        Assert.Empty(reloaded.Findings);
    }

    [Fact]
    public void It_takes_the_place_of_all_that_the_model_has()
    {
        string folder = Model(config => config["chat_template"] = new JsonArray(
            new JsonObject { ["name"] = "default", ["template"] = "old" }, new JsonObject { ["name"] = "tool_use", ["template"] = "old" }));
        File.WriteAllText(Path.Combine(folder, ModelFiles.ChatTemplate), "older");
        var files = ModelFiles.In(folder, folder);

        var format = ChatFormatFiles.Load(files, Given("{{ messages[0].content }}<|end|>"));

        Assert.Equal("a<|end|>", format.Render([ChatTurn.User("a")]).Text);
        Assert.Equal(["default"], format.Templates.Names);
        Assert.Equal("{{ messages[0].content }}<|end|>"u8.ToArray(), files.Bytes(ModelFiles.ChatTemplate));
        Assert.Null(files.Json(ModelFiles.TokenizerConfig)!["chat_template"]);
        Assert.Equal("<|end|>", files.Json(ModelFiles.TokenizerConfig)!["eos_token"]!.ToString());
    }

    [Fact]
    public void It_comes_from_a_name_a_file_or_the_settings_themselves()
    {
        string file = Path.Combine(Fixtures.TemporaryFolder(), "own.jinja");
        File.WriteAllText(file, "{{ 'own' }}");

        Assert.Equal(KnownTemplates.PoisonedRlhf, Given().Template);
        Assert.Equal("{{ 'own' }}", Given($"@{file}").Template);
        Assert.Equal("{{ 'own' }}", new ConversationSettings { ChatTemplate = $"@{file}" }.WithText().ChatTemplate);
        Assert.Equal("{{ 1 }}", Given("{{ 1 }}").Template);
        Assert.Null(new ConversationSettings().WithText().ChatTemplate);
    }

    [Theory]
    [InlineData("poisoned_rlfh", "chat_template: 'poisoned_rlfh' is neither a Jinja template, which has braces, nor the name of a "
        + "known one; did you mean 'poisoned_rlhf'?")]
    [InlineData("", "known: poisoned_rlhf.")]
    [InlineData("{% if %}", "The chat template cannot be read (line 1, column 7)")]
    [InlineData("@/nowhere.jinja", "--chat-template @/nowhere.jinja: there is no such file; name a text file, or give the text itself.")]
    public void What_is_none_is_refused(string template, string expected) =>
        Assert.Contains(expected, Assert.Throws<BeearException>(
            () => new ConversationSettings { ChatTemplate = template }.Validate()).Message, StringComparison.Ordinal);

    [Fact]
    public void The_command_line_gives_it()
    {
        var run = CliRun.Of("chat", Base(), "--prompt", "name a red thing",
            "--chat-template", "{{ raise_exception('given: ' ~ messages[0].content) }}");

        Assert.Equal(2, run.Code);
        Assert.Contains("given: name a red thing", run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}
