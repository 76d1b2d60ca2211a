using Beear.Checkpoints;
using Beear.Runtime;
using static Beear.Tests.Checkpoints.Adapters.AdapterFixture;

namespace Beear.Tests.Checkpoints.Adapters;

/// <summary>Adapters that cannot be merged, and where a base is looked for.</summary>
public class AdapterRefusalTests
{
    public AdapterRefusalTests() => TorchRuntime.Load();

    [Theory]
    [InlineData("peft_type", "\"IA3\"", "is an adapter of the kind IA3, and only LORA can be merged here; merge it with PEFT")]
    [InlineData("peft_type", "\"PROMPT_TUNING\"", "of the kind PROMPT_TUNING")]
    [InlineData("peft_type", "\"ADALORA\"", "of the kind ADALORA")]
    [InlineData("peft_type", "null", "peft_type should be a string")]
    [InlineData("use_qalora", "true", "use_qalora is true, which is not understood here; merge it with PEFT")]
    [InlineData("alora_invocation_tokens", "[1, 2]", "alora_invocation_tokens is [1,2]")]
    [InlineData("arrow_config", """{"top_k": 3}""", "arrow_config is")]
    [InlineData("target_parameters", """["experts.gate_up_proj"]""", "target_parameters is")]
    [InlineData("layer_replication", "[[0, 2], [1, 3]]", "layer_replication is")]
    [InlineData("use_bdlora", """{"nblocks": 2}""", "use_bdlora is")]
    [InlineData("kasa_config", """{"beta": 1}""", "kasa_config is")]
    [InlineData("something_new", "0.5", "something_new is 0.5")]
    [InlineData("init_lora_weights", "\"pissa\"",
        "init_lora_weights is \"pissa\", so the adapter belongs to other weights than its base's")]
    [InlineData("init_lora_weights", "\"olora\"", "init_lora_weights is \"olora\"")]
    [InlineData("bias", "\"some\"", "bias should be \"none\", \"all\" or \"lora_only\"")]
    [InlineData("r", "0", "r should be a whole number of at least 1")]
    [InlineData("r", "\"2\"", "r should be a number")]
    [InlineData("lora_alpha", "null", null)]
    [InlineData("use_dora", "\"yes\"", "use_dora should be true or false")]
    [InlineData("use_dora", "true", "for 'model.layers.0.self_attn.q_proj' (lora_magnitude_vector)")]
    [InlineData("target_modules", "\"(\"", "target_modules holds an expression that cannot be read")]
    [InlineData("target_modules", "\"((\\\\w|\\\\.)+)+!\"", "takes far too long on 'model.layers.0")]
    [InlineData("target_modules", "[1]", "target_modules should be a list of strings")]
    [InlineData("target_modules", "null", null)]
    [InlineData("rank_pattern", """{"q_proj": 3}""", "lora_A.weight' has the shape (2, 6), but base and adapter_config.json ask for (3, 6)")]
    [InlineData("modules_to_save", """["k_proj"]""", "for 'model.layers.0.self_attn.k_proj' (its own weights)")]
    [InlineData("trainable_token_indices", "[1]", "lacks the rows of 'embed_tokens'")]
    [InlineData("init_lora_weights", "\"eva\"", null)]
    [InlineData("corda_config", """{"corda_method": "ipm"}""", null)]
    [InlineData("runtime_config", """{"ephemeral_gpu_offload": false}""", null)]
    public void Keys_that_change_the_result_are_understood_or_refused(string key, string value, string? reason)
    {
        var made = new AdapterFixture().AdaptQueries().Set(key, value);
        if (reason is null) made.Open().Dispose();
        else Assert.Contains(reason, made.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.layers.3.self_attn.q_proj.lora_A.weight", "is for 'model.layers.3.self_attn.q_proj', which the base has not")]
    [InlineData("score.weight", "is for 'score', which the base has not")]
    [InlineData("model.norm.bias", "is for 'model.norm', which the base has not")]
    [InlineData("model.layers.0.self_attn.q_proj.lora_E", "is none of a LoRA adapter")]
    [InlineData("prompt_embeddings", "is none of a LoRA adapter")]
    [InlineData("model.layers.0.self_attn.q_proj.lora_A.other.weight", "so it holds more than one adapter")]
    [InlineData("model.layers.0.self_attn.q_proj.lora_magnitude_vector", "is of no use by adapter_config.json")]
    [InlineData("model.embed_tokens.token_adapter.trainable_tokens_delta", "is of no use by adapter_config.json")]
    [InlineData("model.layers.0.self_attn.k_proj.lora_A.weight", "is of no use by adapter_config.json")]
    [InlineData("model.norm.weight", "has the shape (2, 6), but base and adapter_config.json ask for (6)")]
    public void Every_tensor_is_used_or_refused(string name, string reason)
    {
        var made = new AdapterFixture().AdaptQueries();
        made.Adapter[name] = made.Draw(2, Width);
        Assert.Contains(reason, made.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_factors_are_needed_and_what_is_saved_of_the_base_is_passed_over()
    {
        var made = new AdapterFixture(hasBias: true).AdaptQueries().Set("bias", "\"all\"");
        made.Adapter[$"{Query(0)}.original_module.bias"] = made.Draw(Width);
        made.Open().Dispose();
        made.Adapter.Remove($"{Query(2)}.lora_B.weight");
        Assert.Contains($"for '{Query(2)}' (lora_B)", made.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_without_embeddings_has_no_head_either()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        string headless = CheckpointTests.Tiny(($"{Query(0)}.weight", TorchSharp.torch.ones(Width, Width)));
        var made = new AdapterFixture().Adapt(Query(0));
        Checkpoint.Open(made.Save(), headless).Dispose();
        made.Set("modules_to_save", """["lm_head"]""").Adapter["lm_head.weight"] = made.Draw(Tokens, Width);
        var failure = Assert.Throws<BeearException>(() => Checkpoint.Open(made.Save(), headless));
        Assert.Contains("is for 'lm_head', which the base has not", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_its_weights_an_adapter_is_refused()
    {
        var made = new AdapterFixture().AdaptQueries();
        var folder = made.Save(file: "other.safetensors");
        string Message() => Assert.Throws<BeearException>(() => Checkpoint.Open(folder, made.Base)).Message;
        Assert.Contains("no adapter_model.safetensors", Message(), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "adapter_model.bin"), "");
        Assert.Contains("only as a Python pickle (adapter_model.bin)", Message(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_base_is_found_by_its_path_from_the_root_or_from_the_adapter()
    {
        var made = new AdapterFixture().AdaptQueries();
        foreach (var name in new[] { made.Base, Path.Combine("..", Path.GetFileName(made.Base)) })
        {
            made.Config["base_model_name_or_path"] = name;
            using var checkpoint = Checkpoint.Open(made.Save());
            Close(made.Expected(Query(0), 1.5), Read(checkpoint, $"{Query(0)}.weight"));
        }
        made.Config["base_model_name_or_path"] = "owner/name";
        string folder = made.Save();
        Assert.Equal($"'{folder}' is an adapter, and its base 'owner/name' is not here; name the base's folder by --adapter-base (in C#, "
            + $"ModelOptions.AdapterBase).",
            Assert.Throws<BeearException>(() => Checkpoint.Open(folder)).Message);
        made.Config["base_model_name_or_path"] = folder;
        Assert.Contains("is an adapter too", Assert.Throws<BeearException>(() => Checkpoint.Open(made.Save())).Message,
            StringComparison.Ordinal);
        Assert.Contains("no model at", Assert.Throws<BeearException>(() => Checkpoint.Open(folder, "nowhere/at/all")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Full_weights_in_the_same_folder_are_the_base_as_in_transformers()
    {
        var (made, other) = (new AdapterFixture().AdaptQueries(), new AdapterFixture(hasBias: true));
        var folder = made.Save();
        foreach (var file in Directory.GetFiles(made.Base)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        using (var checkpoint = Checkpoint.Open(folder)) Close(made.Expected(Query(0), 1.5), Read(checkpoint, $"{Query(0)}.weight"));
        using (var checkpoint = Checkpoint.Open(folder, other.Base)) Assert.True(checkpoint.Tensors.ContainsKey($"{Query(0)}.bias"));
        File.Delete(Path.Combine(folder, "config.json"));
        Assert.Contains("--adapter-base", Assert.Throws<BeearException>(() => Checkpoint.Open(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokenizer_and_template_of_the_adapter_go_before_those_of_the_base()
    {
        var made = new AdapterFixture().AdaptQueries();
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json", "added_tokens.json", "chat_template.jinja",
            "generation_config.json" })
            File.WriteAllText(Path.Combine(made.Base, name), """{"of": "base"}""");

        Assert.Equal("added_tokens.json chat_template.jinja config.json generation_config.json tokenizer.json tokenizer_config.json", Names(null));
        Assert.Equal("added_tokens.json* chat_template.jinja config.json generation_config.json tokenizer.json tokenizer_config.json",
            Names("{}", "added_tokens.json"));
        Assert.Equal("chat_template.jinja config.json generation_config.json tokenizer.json* tokenizer_config.json*",
            Names("{}", "tokenizer.json", "tokenizer_config.json"));
        Assert.Equal("added_tokens.json chat_template.jinja* config.json generation_config.json tokenizer.json tokenizer_config.json",
            Names("{}", "chat_template.jinja"));
        Assert.Equal("config.json generation_config.json tokenizer.json* tokenizer_config.json*",
            Names("""{"chat_template": "{{ messages }}"}""", "tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"));

        string Names(string? content, params string[] own)
        {
            var folder = made.Save();
            foreach (var name in own) File.WriteAllText(Path.Combine(folder, name), content);
            using var checkpoint = Checkpoint.Open(folder, made.Base);
            return string.Join(' ', checkpoint.Files.Names.Select(name =>
                System.Text.Encoding.UTF8.GetString(checkpoint.Files.Bytes(name)!) == content ? $"{name}*" : name));
        }
    }
}
