using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Checkpoints.Gguf;
using Beear.Models;
using Beear.Models.Export;
using Beear.Tests.Cli;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>What is written to GGUF and read again is the same model, within the rounding of its type.</summary>
public class GgufExportTests
{
    public static TheoryData<string> Families => ParityCases.Folders("models", ParityCases.IsSupported);

    [Theory, MemberData(nameof(Families))]
    public void A_float32_file_is_the_same_model(string name)
    {
        var source = GgufCases.FromParity(name);
        using var scope = NewDisposeScope();
        using var original = Checkpoint.Open(source);
        var path = Export(original, GgufWeightType.F32);
        using var written = Checkpoint.Open(path);

        var (before, after) = (ModelConfig.FromJson(original.Config), ModelConfig.FromJson(written.Config));
        AssertSame(before.Rotary, after.Rotary);
        AssertSame(before.WindowedRotary, after.WindowedRotary);
        Assert.Equal(before.AttentionScale, after.AttentionScale, 1e-7);
        Assert.Equal(before.EmbeddingScale, after.EmbeddingScale, 1e-6);
        after = after with
        {
            Rotary = before.Rotary,
            WindowedRotary = before.WindowedRotary,
            AttentionScale = before.AttentionScale,
            EmbeddingScale = before.EmbeddingScale,
            Names = before.Names,
        };
        if (before.ModelType == "mistral")
        {
            // A Llama model in GGUF, for texts that are not longer than the window.
            var room = before.SlidingWindow ?? before.MaximumPositions;
            Assert.Equal(("llama", room, null as int?), (after.ModelType, after.MaximumPositions, after.SlidingWindow));
            after = after with
            {
                ModelType = "mistral",
                MaximumPositions = before.MaximumPositions,
                SlidingWindow = before.SlidingWindow,
                LayerKinds = before.LayerKinds
            };
        }
        Assert.Equal(before.LayerKinds, after.LayerKinds);
        Assert.Equal(before, after with { LayerKinds = before.LayerKinds });

        Assert.Equal(before.Tensors.Select(part => part.Name).Order(), written.Tensors.Keys.Order());
        foreach (var part in before.Tensors)
        {
            var (stored, read) = (original.Read(part.Name).to(ScalarType.Float32), written.Read(part.Name));
            Assert.True(allclose(stored, read, rtol: 0, atol: part.Name.EndsWith("norm.weight", StringComparison.Ordinal)
                ? 3e-7 : 0), part.Name);
        }
    }

    [Theory]
    [InlineData(GgufWeightType.F16, 1e-3)]
    [InlineData(GgufWeightType.Bf16, 8e-3)]
    [InlineData(GgufWeightType.Q8_0, 0.01)]
    [InlineData(GgufWeightType.Q4_K, 0.1)]
    public void Every_type_is_within_its_rounding(GgufWeightType type, double bound)
    {
        using var scope = NewDisposeScope();
        using var original = Checkpoint.Open(Fixtures.Shared("models", "smollm2-135m-instruct"));
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        GgufExport.Write(original, path, type);
        using var written = Checkpoint.Open(path);
        Assert.Equal(original.Tensors.Keys.Order(), written.Tensors.Keys.Order());
        foreach (var name in new[] { "model.embed_tokens.weight", "model.layers.7.self_attn.k_proj.weight",
            "model.layers.29.mlp.down_proj.weight" })
        {
            var (exact, read) = (original.Read(name), written.Read(name));
            Assert.InRange(((exact - read).norm() / exact.norm()).item<float>(), 0, bound);
        }
        Assert.True(original.Read("model.norm.weight").Equals(written.Read("model.norm.weight")));
        string[] types = [.. written.Tensors.Values.Select(tensor => tensor.DType).Distinct().Order(StringComparer.Ordinal)];
        // Rows of 576 are no whole blocks of 256.
        Assert.Equal(type switch
        {
            GgufWeightType.Q4_K => ["F32", "Q4_K", "Q5_0", "Q8_0"],
            GgufWeightType.Q8_0 => ["F32", "Q8_0"],
            GgufWeightType.Bf16 => ["BF16", "F32"],
            _ => ["F16", "F32"],
        }, types);
    }

    [Fact]
    public void A_changed_model_is_written_with_its_weights()
    {
        using var model = LanguageModel.Load(GgufCases.FromParity("llama"), ModelOptions.Float32);
        using var guard = no_grad();
        foreach (var parameter in model.Decoder.Weights.Parameters) parameter.Master.mul_(2);
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        model.ExportGguf(path, GgufWeightType.F32);
        using var written = LanguageModel.Load(path, ModelOptions.Float32);
        foreach (var (before, after) in model.Decoder.Weights.Parameters.Zip(written.Decoder.Weights.Parameters))
            Assert.True(before.Master.equal(after.Master).all().item<bool>(), before.Name);
        Assert.Equal(model.Chat.Tokenizer.Encode("the tokenizer of 1234 and then\n"),
            written.Chat.Tokenizer.Encode("the tokenizer of 1234 and then\n"));
    }

    [Fact]
    public void What_llama_cpp_would_compute_otherwise_is_refused()
    {
        Refuses("gemma2", config => config["query_pre_attn_scalar"] = 20, "scaled by 0.2236");
        Refuses("smollm3", config => config["no_rope_layers"] = new JsonArray(1, 0, 1, 0), "rotates");
        Refuses("llama", config => config["rope_scaling"] = JsonNode.Parse("""{"rope_type":"dynamic","factor":2}"""), "length of the text");
        Refuses("smollm3", config => config["rope_scaling"] = JsonNode.Parse(
            """{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32}"""), "Llama 3");
        Refuses("gemma2", config => config["attn_logit_softcapping"] = null, "capped");
        Refuses("qwen2", config => config["hidden_act"] = "gelu", "activation");
        Refuses("llama", config => config["eos_token_id"] = 2, "more than 65504", prepare: folder =>
        {
            using var scope = NewDisposeScope();
            using var checkpoint = Checkpoint.Open(folder);
            List<(string Name, Tensor Value)> tensors = [.. checkpoint.Tensors.Keys.Select(name => (name, checkpoint.Read(name)))];
            tensors[0] = (tensors[0].Name, tensors[0].Value * 1e7);
            File.Delete(Path.Combine(folder, "model.safetensors"));
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
        });
        // windows, but not 64 layers
        using var exaone = Checkpoint.Open(GgufCases.Random("exaone4", config => config["sliding_window"] = 8));
        Assert.Contains("rotates", Assert.Throws<BeearException>(() => Export(exaone, GgufWeightType.F16)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"normalizer\":null", "\"normalizer\":{\"type\":\"Lowercase\"}", "normalises text")]
    [InlineData("1,3", "1,4", "cuts text")]
    [InlineData("\"ignore_merges\":true", "\"byte_fallback\":true", "prepares text")]
    [InlineData("\"ignore_merges\":true", "\"end_of_word_suffix\":\"</w>\"", "marks the parts of a word")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "'Unigram'")]
    [InlineData("\"a\":", "\"a\":1000,\"aa\":", "'a' with the id 1000")]
    public void A_tokenizer_that_llama_cpp_lacks_is_refused(string before, string after, string reason) =>
        Refuses("llama", _ => { }, reason, prepare: folder =>
    {
        var path = Path.Combine(folder, "tokenizer.json");
        var json = File.ReadAllText(path);
        Assert.Contains(before, json, StringComparison.Ordinal);
        File.WriteAllText(path, json.Replace(before, after, StringComparison.Ordinal));
    });

    [Fact]
    public void The_command_writes_the_file_that_it_is_asked_for()
    {
        var (source, folder) = (GgufCases.FromParity("qwen3"), Fixtures.TemporaryFolder());
        var path = Path.Combine(folder, "out.gguf");
        var run = CliRun.Of("export", source, "--out", path, "--type", "q8_0", "--json", "--quiet");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(new FileInfo(path).Length, (long)JsonNode.Parse(run.Output)!["bytes"]!);
        using (var file = GgufFile.Open(path)) Assert.Equal(7L, file.Metadata.Integer("general.file_type"));

        AssertRefused(CliRun.Of("export", source, "--out", path, "--type", "q3_k"), "'q3_k' is not one of f16|q8_0|q4_k|bf16|f32");
        AssertRefused(CliRun.Of("export", source), "out");
        AssertRefused(CliRun.Of("export", source, "--out", Path.Combine(folder, "nowhere", "x.gguf")), "directory does not exist");
        AssertRefused(CliRun.Of("export", Path.Combine(folder, "none"), "--out", path), "There is no model");
        AssertRefused(CliRun.Of("export", source, "--out", folder), "is a directory");
        AssertRefused(CliRun.Of("export", source, "--out", Path.Combine(folder, "x.bin")), "does not end in .gguf");
        AssertRefused(CliRun.Of("export", CheckpointTests.Folder(("pytorch_model.bin", "x")), "--out", path), "save_pretrained");
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    [Fact]
    public void A_cancelled_export_leaves_nothing()
    {
        using var checkpoint = Checkpoint.Open(GgufCases.FromParity("llama"));
        using var source = new CancellationTokenSource();
        var folder = Fixtures.TemporaryFolder();
        Assert.Throws<OperationCanceledException>(() => GgufExport.Write(
            checkpoint, Path.Combine(folder, "x.gguf"), GgufWeightType.F16, new CancelAfter(source, "exporting", 3), source.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    private static void AssertSame(RotaryConfig before, RotaryConfig after)
    {
        foreach (var (one, other) in before.Frequencies(16).Zip(after.Frequencies(16))) Assert.Equal(one, other, 1e-5 * one);
        Assert.Equal(before.AttentionFactor, after.AttentionFactor, 1e-6);
    }

    private static void AssertRefused(CliRun run, string reason)
    {
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Trim().Split('\n'));
    }

    private static void Refuses(string name, Action<JsonObject> change, string reason, Action<string>? prepare = null)
    {
        var folder = GgufCases.FromParity(name);
        var path = Path.Combine(folder, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
        prepare?.Invoke(folder);
        using var checkpoint = Checkpoint.Open(folder);
        var target = Path.Combine(Fixtures.TemporaryFolder(), "x.gguf");
        Assert.Contains(reason, Assert.Throws<BeearException>(() => GgufExport.Write(checkpoint, target, GgufWeightType.F16)).Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(target)!));
    }

    private static string Export(Checkpoint checkpoint, GgufWeightType type)
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), "model.gguf");
        GgufExport.Write(checkpoint, path, type);
        return path;
    }
}
