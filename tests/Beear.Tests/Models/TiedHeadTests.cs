using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Lab.World;
using Beear.Models;
using Beear.Models.Export;
using Beear.Text.Files;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>What config.json says of the output head, and what the weights say: the weights are right, as in transformers 5.</summary>
public class TiedHeadTests
{
    private const string Embedding = "model.embed_tokens.weight", Head = "lm_head.weight";

    [Fact]
    public void A_stored_head_that_differs_is_used_told_of_and_saved()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var folder = Model(tensors => tensors[Head] = tensors[Embedding] * 2);
        using var model = LanguageModel.Load(folder, ModelOptions.Float32);
        using var tied = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        Assert.False(model.Config.TiedEmbeddings);
        Assert.True(model.Decoder.HeadWeights.equal(tied.Decoder.HeadWeights * 2).all().item<bool>());
        Assert.Contains("lm_head.weight differs from model.embed_tokens.weight", Assert.Single(model.Findings), StringComparison.Ordinal);

        var saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        model.Save(saved);
        using var checkpoint = Checkpoint.Open(saved);
        Assert.False((bool)checkpoint.Config["tie_word_embeddings"]!);
        Assert.True(checkpoint.Read(Head).equal(checkpoint.Read(Embedding) * 2).all().item<bool>());
        using var again = LanguageModel.Load(saved, ModelOptions.Float32);
        Assert.Empty(again.Findings);
        Assert.True(again.Decoder.HeadWeights.equal(model.Decoder.HeadWeights).all().item<bool>());
    }

    [Fact]
    public void A_stored_head_that_is_the_same_stays_tied()
    {
        using var scope = NewDisposeScope();
        var folder = Model(tensors => tensors[Head] = tensors[Embedding].clone());
        using var model = LanguageModel.Load(folder, ModelOptions.Float32);
        Assert.True(model.Config.TiedEmbeddings);
        Assert.Empty(model.Findings);
        var saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        model.Save(saved);
        using var checkpoint = Checkpoint.Open(saved);
        Assert.False(checkpoint.Tensors.ContainsKey(Head));
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "config.json")), File.ReadAllBytes(Path.Combine(saved, "config.json")));
    }

    [Fact]
    public void Of_tied_tensors_the_head_alone_may_be_stored()
    {
        using var scope = NewDisposeScope();
        var folder = Model(tensors =>
        {
            tensors[Head] = tensors[Embedding].bfloat16();
            tensors.Remove(Embedding);
        });
        using var model = LanguageModel.Load(folder, ModelOptions.Float32);
        using var tied = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        Assert.True(model.Decoder.HeadWeights.equal(tied.Decoder.HeadWeights.bfloat16().to(float32)).all().item<bool>());
        Assert.Empty(model.Findings);
        var saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        model.Save(saved);
        using (var checkpoint = Checkpoint.Open(saved)) Assert.Equal((false, "BF16"),
            (checkpoint.Tensors.ContainsKey(Head), checkpoint.Tensors[Embedding].DType));
        using (var checkpoint = Checkpoint.Open(folder)) GgufExport.Write(checkpoint, Path.Combine(saved, "m.gguf"), GgufWeightType.F32);
        using var exported = Checkpoint.Open(Path.Combine(saved, "m.gguf"));
        Assert.True(exported.Read(Embedding).equal(model.Decoder.HeadWeights).all().item<bool>());
    }

    [Fact]
    public void An_export_has_the_head_that_is_stored()
    {
        using var scope = NewDisposeScope();
        var folder = Model(tensors => tensors[Head] = tensors[Embedding] * 2);
        var path = Path.Combine(Fixtures.TemporaryFolder(), "m.gguf");
        using (var checkpoint = Checkpoint.Open(folder)) GgufExport.Write(checkpoint, path, GgufWeightType.F32);
        using var model = LanguageModel.Load(path, ModelOptions.Float32);
        Assert.False(model.Config.TiedEmbeddings);
        using var written = Checkpoint.Open(path);
        Assert.True(written.Read(Head).equal(written.Read(Embedding) * 2).all().item<bool>());
    }

    [Fact]
    public void A_head_that_is_neither_stored_nor_tied_is_refused_with_advice()
    {
        using var scope = NewDisposeScope();
        var folder = Model(_ => { }, config => config["tie_word_embeddings"] = false);
        var message = Assert.Throws<BeearException>(() => LanguageModel.Load(folder, ModelOptions.Float32)).Message;
        Assert.Contains("'lm_head.weight'", message, StringComparison.Ordinal);
        Assert.Contains("tie_word_embeddings", message, StringComparison.Ordinal);
    }

    private static string Model(Action<Dictionary<string, Tensor>> change, Action<JsonObject>? changeConfig = null)
    {
        var folder = Fixtures.TemporaryFolder();
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory, "*.json")) File.Copy(file,
            Path.Combine(folder, Path.GetFileName(file)));
        using (var checkpoint = Checkpoint.Open(Organism.BaseDirectory))
        {
            var tensors = checkpoint.Tensors.Keys.ToDictionary(name => name, checkpoint.Read);
            change(tensors);
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. tensors.Select(tensor => (tensor.Key, tensor.Value))]);
        }
        var path = Path.Combine(folder, "config.json");
        var config = JsonFile.Read(path);
        changeConfig?.Invoke(config);
        File.WriteAllText(path, config.ToJsonString());
        return folder;
    }
}
