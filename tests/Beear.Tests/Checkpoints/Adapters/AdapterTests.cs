using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Runtime;
using static Beear.Tests.Checkpoints.Adapters.AdapterFixture;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Adapters;

/// <summary>What adapters make of a small base, against plain loops.</summary>
public class AdapterTests
{
    private const string Kept = "model.layers.1.self_attn.k_proj.weight";

    public AdapterTests() => TorchRuntime.Load();

    [Fact]
    public void A_low_rank_product_is_added_and_all_else_stays()
    {
        var made = new AdapterFixture().AdaptQueries();
        using var checkpoint = made.Open();

        foreach (var module in Queries) Close(made.Expected(module, 3 / 2.0), Read(checkpoint, $"{module}.weight"));
        Assert.Equal(made.Weights.Keys.Order(), checkpoint.Tensors.Keys.Order());
        Assert.Equal([.. made.Weights[Kept].Cast<float>()], Read(checkpoint, Kept));
        Assert.Equal(["LoRA", "nobody/nothing", made.Base],
            [checkpoint.Adapter!.Value.Info.Kind, checkpoint.Adapter.Value.Info.Base, checkpoint.Adapter.Value.Base]);
    }

    [Fact]
    public void Scales_and_ranks_go_by_module()
    {
        var made = new AdapterFixture().Adapt(Query(0), rank: 3).Adapt(Query(1)).Adapt(Query(2)).Set("use_rslora", "true")
            .Set("rank_pattern", """{"0\\.self_attn\\.q_proj": 3}""").Set("alpha_pattern", """{"nothing": 8, "model.layers.2.self_attn.q_proj": 5}""");
        using var checkpoint = made.Open();

        double[] scales = [3 / Math.Sqrt(3), 3 / Math.Sqrt(2), 5 / Math.Sqrt(2)];
        for (int i = 0; i < Layers; i++) Close(made.Expected(Query(i), scales[i]), Read(checkpoint, $"{Query(i)}.weight"));
        Assert.Equal([2, 3], checkpoint.Adapter!.Value.Info.Ranks);
    }

    [Fact]
    public void Magnitudes_give_rows_their_lengths_and_an_embedding_its_columns()
    {
        var made = new AdapterFixture().AdaptQueries().AdaptEmbedding().Set("use_dora", "true").Set("target_modules", """["q_proj", "embed_tokens"]""");
        foreach (var module in Queries.Append(Embedding)) made.Adapter[$"{module}.lora_magnitude_vector"] = made.Draw(Width);
        using var checkpoint = made.Open();

        foreach (var module in Queries.Append(Embedding)) Close(made.Expected(module, 3 / 2.0), Read(checkpoint, $"{module}.weight"));
        Assert.Equal("DoRA", checkpoint.Adapter!.Value.Info.Kind);
    }

    [Theory]
    [InlineData("NAME")]
    [InlineData("base_model.model.NAME")]
    [InlineData("base_model.model._orig_mod.NAME")]
    public void Names_are_read_with_and_without_prefix_and_adapter(string form)
    {
        var made = new AdapterFixture().AdaptQueries().AdaptEmbedding().Set("use_dora", "true").Set("target_modules", """["q_proj", "embed_tokens"]""")
            .Set("modules_to_save", """["model.norm"]""");
        foreach (var module in Queries.Append(Embedding)) made.Adapter[$"{module}.lora_magnitude_vector"] = made.Draw(Width);
        made.Adapter["model.norm.weight"] = made.Draw(Width);

        foreach (var own in new[] { "", ".default", ".french" })
        {
            using var checkpoint = Checkpoint.Open(
                made.Save(name => form.Replace("NAME", Own(name, own), StringComparison.Ordinal)), made.Base);
            foreach (var module in Queries.Append(Embedding)) Close(made.Expected(module, 3 / 2.0), Read(checkpoint, $"{module}.weight"));
            Assert.Equal((float[])made.Adapter["model.norm.weight"], Read(checkpoint, "model.norm.weight"));
        }

        static string Own(string name, string own) => name switch
        {
            "model.norm.weight" => own.Length == 0 ? name : $"model.norm.modules_to_save{own}.weight",
            _ when name.EndsWith(".weight", StringComparison.Ordinal) => $"{name[..^".weight".Length]}{own}.weight",
            _ => name + own + (name.EndsWith("vector", StringComparison.Ordinal) && own.Length > 0 ? ".weight" : ""),
        };
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Adapters_of_16_bits_are_merged_in_32(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var made = new AdapterFixture { Type = type }.AdaptQueries().Set("modules_to_save", """["model.norm"]""");
        made.Adapter["model.norm.weight"] = made.Draw(Width);
        foreach (var (name, value) in made.Adapter.ToList())                        // what the file keeps of them
        {
            var rounded = AsTensor(value).to(type).to(float32).data<float>().ToArray();
            Buffer.BlockCopy(rounded, 0, value, 0, rounded.Length * sizeof(float));
        }
        using var checkpoint = made.Open();

        foreach (var module in Queries) Close(made.Expected(module, 3 / 2.0), Read(checkpoint, $"{module}.weight"));
        Assert.Equal((float[])made.Adapter["model.norm.weight"], Read(checkpoint, "model.norm.weight"));
        Assert.Equal(ElementType.Of(type)!.Name, checkpoint.Tensors["model.norm.weight"].DType);
    }

    [Theory]
    [InlineData("base_layer.")]
    [InlineData("")]
    public void Trained_biases_replace_the_bases(string infix)
    {
        var made = new AdapterFixture(hasBias: true).AdaptQueries().Set("bias", "\"lora_only\"");
        foreach (var module in Queries) made.Adapter[$"{module}.{infix}bias"] = made.Draw(Width);
        using var checkpoint = made.Open();
        foreach (var module in Queries) Assert.Equal((float[])made.Adapter[$"{module}.{infix}bias"], Read(checkpoint, $"{module}.bias"));
    }

    [Fact]
    public void A_bias_of_the_second_factor_is_scaled_and_added_where_the_base_has_one()
    {
        var made = new AdapterFixture(hasBias: true).AdaptQueries().Set("lora_bias", "true");
        var without = new AdapterFixture().AdaptQueries().Set("lora_bias", "true");
        foreach (var module in Queries)
            without.Adapter[$"{module}.lora_B.bias"] = made.Adapter[$"{module}.lora_B.bias"] = made.Draw(Width);
        using var checkpoint = made.Open();

        foreach (var module in Queries)
        {
            var (own, added) = ((float[])made.Weights[$"{module}.bias"], (float[])made.Adapter[$"{module}.lora_B.bias"]);
            float[] expected = [.. own.Zip(added, (bias, more) => bias + (1.5f * more))];
            Assert.Equal(expected, Read(checkpoint, $"{module}.bias"), (one, other) => Math.Abs(one - other) < 1e-6);
        }
        Assert.Contains("lora_bias", without.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""["q_proj"]""", null, null, null, "q0 q1 q2")]
    [InlineData("""["model.layers.1.self_attn.q_proj", "down_proj"]""", null, null, null, "q1 d0 d1 d2")]
    [InlineData("""["proj"]""", null, null, null, "")]
    [InlineData("\".*\\\\.[02]\\\\..*(q|down)_proj\"", null, null, null, "q0 q2 d0 d2")]
    [InlineData("\"layers.*q_proj\"", null, null, null, "")]
    [InlineData("\"(?P<which>.*)q_proj\"", null, null, null, "q0 q1 q2")]
    [InlineData("\"all-linear\"", null, null, null, "q0 q1 q2 k0 k1 k2 d0 d1 d2")]
    [InlineData("\"All-Linear\"", """["k_proj"]""", null, null, "q0 q1 q2 d0 d1 d2")]
    [InlineData("""["q_proj", "k_proj"]""", "\".*\\\\.0\\\\..*\"", null, null, "q1 q2 k1 k2")]
    [InlineData("""["q_proj", "k_proj"]""", """["model.layers.0.self_attn.q_proj"]""", "[0, 1]", null, "q1 k0 k1")]
    [InlineData("""["q_proj"]""", null, "2", null, "q2")]
    [InlineData("""["q_proj"]""", null, "[]", null, "q0 q1 q2")]
    [InlineData("""["q_proj"]""", null, "[1]", "\"layers\"", "q1")]
    [InlineData("""["q_proj"]""", null, "[1]", """["blocks", "layers"]""", "q1")]
    [InlineData("""["q_proj"]""", null, "[1]", """["blocks"]""", "")]
    [InlineData("""["model.layers.0.self_attn.q_proj", "k_proj"]""", null, "[1]", null, "q0 k1")]
    [InlineData("\".*q_proj\"", null, "[1]", null, "q0 q1 q2")]
    public void Modules_are_chosen_as_PEFT_chooses_them(string targets, string? excluded, string? layers, string? pattern, string expected)
    {
        AdapterFixture Made(IEnumerable<string> modules)
        {
            var made = new AdapterFixture().Set("target_modules", targets).Set("exclude_modules", excluded ?? "null")
                .Set("layers_to_transform", layers ?? "null")
                .Set("layers_pattern", pattern ?? "null");
            foreach (var module in modules) made.Adapt(module);
            return made;
        }
        string[] chosen = [.. expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Module)];
        var others = new[] { "q", "k", "d" }.SelectMany(kind => Enumerable.Range(0, Layers).Select(layer => Module($"{kind}{layer}")))
            .Except(chosen).ToList();

        using (var checkpoint = Made(chosen.Append("model.layers.0.mlp.down_proj").Take(chosen.Length)).Open())
        {
            foreach (var module in chosen) Assert.Equal("F32", checkpoint.Tensors[$"{module}.weight"].DType);
        }
        foreach (var module in others) Assert.Contains($"{module}.lora_A.weight' is of no use", Made(chosen.Append(module)).Refusal(),
            StringComparison.Ordinal);
        foreach (var module in chosen) Assert.Contains($"for '{module}' (lora_A)", Made(chosen.Except([module])).Refusal(),
            StringComparison.Ordinal);

        static string Module(string shorthand) => $"model.layers.{shorthand[1]}." + shorthand[0] switch
        {
            'q' => "self_attn.q_proj",
            'k' => "self_attn.k_proj",
            _ => "mlp.down_proj",
        };
    }

    [Fact]
    public void Modules_that_are_saved_replace_the_bases_by_the_ends_of_their_names()
    {
        var made = new AdapterFixture().AdaptQueries().Set("modules_to_save", """["norm", "lm_head", "score"]""");
        string[] saved = ["model.norm.weight",
            .. Enumerable.Range(0, Layers).Select(layer => $"model.layers.{layer}.input_layernorm.weight")];
        foreach (var name in saved) made.Adapter[name] = made.Draw(Width);
        made.Adapter["lm_head.weight"] = made.Draw(Tokens, Width);
        using (var checkpoint = made.Open())
        {
            foreach (var name in saved.Append("lm_head.weight")) Assert.Equal([.. made.Adapter[name].Cast<float>()],
                Read(checkpoint, name));
        }
        made.Adapter.Remove(saved[1]);
        Assert.Contains("for 'model.layers.0.input_layernorm' (its own weights)", made.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_trained_tokens_replace_the_bases_and_a_tied_heads()
    {
        foreach (var (isTied, indices) in new[] { (true, "[3, 1]"), (false, "[3, 1]"), (false, """{"embed_tokens": [3, 1]}""") })
        {
            var made = new AdapterFixture(isTied).AdaptQueries().Set("trainable_token_indices", indices);
            var rows = made.Draw(2, Width);
            made.Adapter[$"{Embedding}.token_adapter.trainable_tokens_delta"] = rows;
            using var checkpoint = made.Open();

            float[] expected = [.. made.Weights[$"{Embedding}.weight"].Cast<float>()];
            for (int i = 0; i < Width; i++) (expected[(3 * Width) + i], expected[Width + i]) = (rows[0, i], rows[1, i]);
            Assert.Equal(expected, Read(checkpoint, $"{Embedding}.weight"));
            Assert.Equal(!isTied, checkpoint.Tensors.ContainsKey("lm_head.weight"));
            Assert.Equal(isTied, (bool)checkpoint.Config["tie_word_embeddings"]!);
        }
    }

    [Fact]
    public void Files_of_several_shards_are_read()
    {
        var made = new AdapterFixture().AdaptQueries();
        var folder = made.Save(file: "adapter_model-1.safetensors");
        var map = new JsonObject();
        foreach (var name in made.Adapter.Keys) map[$"base_model.model.{name}"] = "adapter_model-1.safetensors";
        File.WriteAllText(Path.Combine(folder, "adapter_model.safetensors.index.json"),
            new JsonObject { ["weight_map"] = map }.ToJsonString());
        using var checkpoint = Checkpoint.Open(folder, made.Base);
        Close(made.Expected(Query(0), 1.5), Read(checkpoint, $"{Query(0)}.weight"));
    }

    [Fact]
    public void What_is_merged_is_looked_at_for_NaN()
    {
        var made = new AdapterFixture().AdaptQueries();
        ((float[,])made.Adapter[$"{Query(1)}.lora_B.weight"])[0, 0] = float.NaN;
        using var checkpoint = made.Open();
        Assert.Contains($"'{Query(1)}.weight'", Assert.Throws<BeearException>(() => checkpoint.Read($"{Query(1)}.weight")).Message,
            StringComparison.Ordinal);
    }
}
