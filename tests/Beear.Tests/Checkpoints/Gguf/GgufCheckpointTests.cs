using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Checkpoints.Gguf;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Gguf;

public class GgufCheckpointTests
{
    private static string SmolLm2 => Fixtures.Shared("models", "smollm2-135m-instruct");

    private static string SmolLm2File => Path.Combine(SmolLm2, "SmolLM2-135M-Instruct.Q4_1.gguf");

    [Theory]
    [InlineData("llama")]
    [InlineData("llama-gqa-tied")]
    public void A_model_converted_to_gguf_is_the_same_model(string name)
    {
        using var scope = NewDisposeScope();
        using var original = Checkpoint.Open(Fixtures.Parity("models", name));
        var config = original.Config;
        var builder = Head(config);
        foreach (var (tensorName, info) in original.Tensors)
        {
            var value = original.Read(tensorName);
            if (tensorName.Contains("q_proj", StringComparison.Ordinal)) value = RowsOfPairs(value, (int)config["num_attention_heads"]!);
            if (tensorName.Contains("k_proj", StringComparison.Ordinal)) value = RowsOfPairs(value, (int)config["num_key_value_heads"]!);
            builder.Tensor(GgufName(tensorName), GgufBuilder.F32, [.. info.Shape.Select(size => (ulong)size)], value.bytes.ToArray());
        }

        using var converted = Checkpoint.Open(builder.WriteTo(Fixtures.TemporaryFolder()));

        Assert.Equal(original.Tensors.Keys.Order(), converted.Tensors.Keys.Order());
        foreach (var (tensorName, info) in original.Tensors)
        {
            Assert.Equal(info.Shape, converted.Tensors[tensorName].Shape);
            Assert.True(original.Read(tensorName).bytes.SequenceEqual(converted.Read(tensorName).bytes), tensorName);
        }
        string[] keys =
        [
            "model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                "num_key_value_heads", "vocab_size",
            "max_position_embeddings", "tie_word_embeddings", "rms_norm_eps", "torch_dtype",
        ];
        foreach (var key in keys) AssertSame(config, converted.Config, key);
        Assert.Equal((double)config["rope_theta"]!, (double)converted.Config["rope_theta"]!);
    }

    [Fact]
    public void SmolLm2_has_the_shapes_of_its_configuration()
    {
        using var checkpoint = Checkpoint.Open(SmolLm2);
        Assert.Equal(272, checkpoint.Tensors.Count);
        Assert.Equal([49152, 576], checkpoint.Tensors["model.embed_tokens.weight"].Shape);
        Assert.Equal([192, 576], checkpoint.Tensors["model.layers.29.self_attn.k_proj.weight"].Shape);
        Assert.Equal([576, 1536], checkpoint.Tensors["model.layers.0.mlp.down_proj.weight"].Shape);
        Assert.Equal("Q4_1", checkpoint.Tensors["model.layers.0.mlp.down_proj.weight"].DType);
        foreach (var (name, info) in checkpoint.Tensors)
        {
            using var tensor = checkpoint.Read(name);
            Assert.Equal(info.Shape, tensor.shape);
            Assert.Equal(ScalarType.Float32, tensor.dtype);
        }
    }

    [Fact]
    public void Query_rows_of_SmolLm2_are_put_back_in_order()
    {
        using var scope = NewDisposeScope();
        using var file = GgufFile.Open(SmolLm2File);
        using var checkpoint = Checkpoint.Open(SmolLm2);
        var stored = file.Read("blk.3.attn_q.weight");
        var read = checkpoint.Read("model.layers.3.self_attn.q_proj.weight");
        foreach (var (head, pair, half) in new[] { (0, 0, 0), (0, 0, 1), (2, 5, 0), (8, 31, 1), (8, 31, 0) })
            Assert.True(read[(head * 64) + (half * 32) + pair].equal(stored[(head * 64) + (pair * 2) + half]).all().item<bool>());
    }

    [Fact]
    public void The_configuration_of_a_lone_file_agrees_with_the_true_one()
    {
        using var lone = Checkpoint.Open(Alone());
        var truth = JsonFile.Read(Path.Combine(SmolLm2, "config.json"));
        foreach (var (key, _) in lone.Config) AssertSame(truth, lone.Config, key);
    }

    [Fact]
    public void The_tokenizer_of_a_lone_file_agrees_with_the_true_one()
    {
        using var lone = Checkpoint.Open(Alone());
        using var scope = NewDisposeScope();
        var saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        lone.SaveAs(saved, [("a", ones(4))]);
        var made = JsonFile.Read(Path.Combine(saved, "tokenizer.json"));
        var truth = JsonFile.Read(Path.Combine(SmolLm2, "tokenizer.json"));
        Assert.True(JsonNode.DeepEquals(truth["model"]!["vocab"], made["model"]!["vocab"]));
        var merges = truth["model"]!["merges"]!.AsArray().Select(pair => $"{pair![0]} {pair[1]}");
        Assert.Equal(merges, made["model"]!["merges"]!.AsArray().Select(pair => (string)pair!));
        Assert.True(JsonNode.DeepEquals(truth["added_tokens"], made["added_tokens"]));
        Assert.True(JsonNode.DeepEquals(truth["pre_tokenizer"], made["pre_tokenizer"]));
        var config = JsonFile.Read(Path.Combine(saved, "tokenizer_config.json"));
        var trueConfig = JsonFile.Read(Path.Combine(SmolLm2, "tokenizer_config.json"));
        foreach (var key in new[] { "bos_token", "eos_token", "pad_token", "unk_token", "model_max_length", "chat_template" })
            Assert.Equal(trueConfig[key]!.ToString(), config[key]!.ToString());
        var ends = JsonFile.Read(Path.Combine(saved, "generation_config.json"))["eos_token_id"]!.AsArray();
        Assert.Equal(2, (int)Assert.Single(ends)!);
    }

    [Fact]
    public void Files_beside_a_gguf_file_go_before_its_metadata()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = Checkpoint.Open(SmolLm2File);
        var saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        checkpoint.SaveAs(saved, [("a", ones(4))]);
        foreach (var name in new[] { "config.json", "tokenizer.json", "tokenizer_config.json" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(SmolLm2, name)), File.ReadAllBytes(Path.Combine(saved, name)));
    }

    [Fact]
    public void A_config_of_another_model_beside_the_file_is_refused()
    {
        var path = Tiny().WriteTo(CheckpointTests.Folder(("config.json", """{"model_type":"llama","hidden_size":576}""")));
        Assert.Contains("hidden_size is 576", Assert.Throws<BeearException>(() => Checkpoint.Open(path)).Message, StringComparison.Ordinal);
        using var fits = Checkpoint.Open(Tiny().WriteTo(CheckpointTests.Folder(("config.json", """{"model_type":"llama","hidden_size":8,"rope_theta":3}"""))));
        Assert.Equal(3, (int)fits.Config["rope_theta"]!);
    }

    [Fact]
    public void Rotary_scaling_is_recovered_or_refused()
    {
        static float[] Factors(double factor) => [.. Enumerable.Range(0, 32).Select(i =>
        {
            var wave = 2 * Math.PI * Math.Pow(500_000, i / 32.0);
            var smooth = ((8192 / wave) - 1) / 3;
            return (float)(wave < 2048 ? 1 : wave > 8192 ? factor : 1 / (((1 - smooth) / factor) + smooth));
        })];
        static JsonObject? Scaling(GgufBuilder builder)
        {
            using var checkpoint = Checkpoint.Open(builder.WriteTo(Fixtures.TemporaryFolder()));
            Assert.DoesNotContain("rope_freqs.weight", checkpoint.Tensors.Keys);
            return checkpoint.Config["rope_scaling"] as JsonObject;
        }
        static GgufBuilder Wide(float[] factors) => Tiny(headSize: 64).Value("llama.rope.freq_base", 500_000f)
            .Tensor("rope_freqs.weight", GgufBuilder.F32, [(ulong)factors.Length], MemoryMarshal.AsBytes<float>(factors).ToArray());

        static GgufBuilder By(string kind, float factor) =>
            Tiny().Value("llama.rope.scaling.type", kind).Value("llama.rope.scaling.factor", factor);

        var llama3 = Scaling(Wide(Factors(32)))!;
        var settings = llama3.Select(pair => $"{pair.Key}={pair.Value}");
        Assert.Equal(["rope_type=llama3", "factor=32", "low_freq_factor=1", "high_freq_factor=4",
            "original_max_position_embeddings=8192"], settings);
        var other = Factors(32);
        other[16] = 31;
        Assert.Throws<BeearException>(() => Scaling(Wide(other)));
        Assert.Throws<BeearException>(() => Scaling(Wide(Factors(32)[..20])));

        Assert.Null(Scaling(Tiny()));
        Assert.Null(Scaling(Tiny().Value("llama.rope.scaling.type", "none")));
        Assert.Equal("""{"rope_type":"linear","factor":4}""", Scaling(By("linear", 4))!.ToJsonString());
        Assert.Throws<BeearException>(() => Scaling(By("longrope", 4)));
        Assert.Throws<BeearException>(() => Scaling(By("linear", 0)));
        Assert.Throws<BeearException>(() => Scaling(By("linear", float.PositiveInfinity)));
    }

    [Fact]
    public void What_is_no_llama_is_an_error_that_says_why()
    {
        Fails(new GgufBuilder().Value("general.architecture", "mamba"), "'mamba'");
        Fails(new GgufBuilder(), "architecture ''");
        Fails(new GgufBuilder().Value("general.architecture", "llama"), "llama.embedding_length");
        Fails(Tiny().Value("llama.expert_count", 8u), "experts");
        Fails(Tiny().Value("split.count", (ushort)3), "one of 3 parts");
        Fails(Tiny().Tensor("blk.0.attn_qkv.weight", GgufBuilder.F32, [8, 8], new byte[256]), "'blk.0.attn_qkv.weight'");
        Fails(Tiny().Tensor("blk.0.attn_q.weight", GgufBuilder.F32, [6, 8], new byte[192]), "2 heads of 4");
        Fails(Tiny(headSize: 5), "head size");
        Fails(Tiny().Value("llama.rope.dimension_count", 2u), "rotates 2 of 4");
        Fails(Tiny(embedding: false), "token_embd.weight");
        Fails(Tiny().Value("llama.rope.freq_base", float.NaN), "llama.rope.freq_base is NaN");
    }

    [Fact]
    public void Damaged_models_are_either_refused_or_read()
    {
        var whole = Tiny().Value("tokenizer.ggml.model", "gpt2").Value("tokenizer.ggml.pre", "llama-bpe")
            .Value("tokenizer.ggml.tokens", new[] { "a", "b", "</s>" })
            .Value("tokenizer.ggml.token_type", new[] { 1, 1, 3 }).Value("tokenizer.ggml.merges", Array.Empty<string>())
            .Value("tokenizer.ggml.bos_token_id", 2u).Value("tokenizer.ggml.eos_token_id", 2u).Value("tokenizer.chat_template", "x")
            .Tensor("blk.0.attn_q.weight", GgufBuilder.F32, [8, 8], new byte[256]).ToBytes();
        DamagedFiles.Read(whole, "model.gguf", path =>
        {
            using var checkpoint = Checkpoint.Open(path);
            foreach (var name in checkpoint.Tensors.Keys) checkpoint.Read(name).Dispose();
            _ = checkpoint.LoadChatFormat();
        }, most: 3);
    }

    private static void AssertSame(JsonObject expected, JsonObject actual, string key) =>
        Assert.True(JsonNode.DeepEquals(expected[key], actual[key]), $"{key}: {expected[key]} is expected, not {actual[key]}");

    private static void Fails(GgufBuilder builder, string reason)
    {
        var path = builder.WriteTo(Fixtures.TemporaryFolder());
        Assert.Contains(reason, Assert.Throws<BeearException>(() => Checkpoint.Open(path)).Message, StringComparison.Ordinal);
    }

    /// <summary>SmolLM2's file as the only one of its directory.</summary>
    private static string Alone() =>
        File.CreateSymbolicLink(Path.Combine(Fixtures.TemporaryFolder(), "model.gguf"), Path.GetFullPath(SmolLm2File)).FullName;

    private static GgufBuilder Tiny(uint headSize = 4, bool embedding = true)
    {
        var builder = new GgufBuilder()
            .Value("general.architecture", "llama").Value("llama.embedding_length", 8u).Value("llama.block_count", 1u)
                .Value("llama.context_length", 64u)
            .Value("llama.feed_forward_length", 16u).Value("llama.attention.head_count", 2u).Value("llama.attention.key_length", headSize)
            .Value("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        return embedding ? builder.Tensor("token_embd.weight", GgufBuilder.F32, [3, 8], new byte[96]) : builder;
    }

    private static GgufBuilder Head(JsonObject config)
    {
        uint Size(string key) => (uint)config[key]!;
        return new GgufBuilder().Value("general.architecture", "llama").Value("llama.embedding_length", Size("hidden_size"))
            .Value("llama.block_count", Size("num_hidden_layers")).Value("llama.context_length", Size("max_position_embeddings"))
            .Value("llama.feed_forward_length", Size("intermediate_size")).Value("llama.attention.head_count", Size("num_attention_heads"))
            .Value("llama.attention.head_count_kv", Size("num_key_value_heads")).Value("llama.rope.freq_base", (float)config["rope_theta"]!)
            .Value("llama.attention.layer_norm_rms_epsilon", (float)config["rms_norm_eps"]!);
    }

    /// <summary>The order of rows that conversion to GGUF makes, row by row.</summary>
    private static Tensor RowsOfPairs(Tensor halves, int heads)
    {
        var headSize = (int)halves.shape[0] / heads;
        var order = Enumerable.Range(0, (int)halves.shape[0])
            .Select(row => (long)((row / headSize * headSize) + (row % headSize / 2) + (row % 2 * headSize / 2))).ToArray();
        return halves[tensor(order)].contiguous();
    }

    private static string GgufName(string name)
    {
        var (from, to) = name switch
        {
            "model.embed_tokens.weight" => (name, "token_embd.weight"),
            "model.norm.weight" => (name, "output_norm.weight"),
            "lm_head.weight" => (name, "output.weight"),
            _ => ("model.layers.", "blk."),
        };
        return name.Replace(from, to, StringComparison.Ordinal)
            .Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal).Replace("self_attn.", "attn_", StringComparison.Ordinal)
            .Replace("mlp.", "ffn_", StringComparison.Ordinal).Replace("_proj", "", StringComparison.Ordinal)
            .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
                .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal);
    }
}
