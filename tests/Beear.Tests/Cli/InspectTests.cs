using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;

namespace Beear.Tests.Cli;

public sealed class InspectTests : IDisposable
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>The built-in model with something changed.</summary>
    private string Model(string? file = null, Action<JsonObject>? change = null, string? without = null)
    {
        foreach (var source in Directory.GetFiles(Organism.BaseDirectory)) File.Copy(source, Path.Combine(folder, Path.GetFileName(source)),
            overwrite: true);
        if (without is not null) File.Delete(Path.Combine(folder, without));
        if (file is not null)
        {
            var path = Path.Combine(folder, file);
            var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            change!(json);
            File.WriteAllText(path, json.ToJsonString());
        }
        return folder;
    }

    private static JsonNode Inspect(string model, params string[] more)
    {
        var run = CliRun.Of(["inspect", model, "--json", .. more]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return JsonNode.Parse(run.Output)!;
    }

    private static string[] Warnings(string model, params string[] more) =>
        [.. Inspect(model, more)["warnings"]!.AsArray().Select(warning => (string)warning!)];

    [Fact]
    public void A_sound_model_has_no_warnings_and_all_its_facts()
    {
        var found = Inspect(Organism.BaseDirectory, "--check-values");
        Assert.Empty(found["warnings"]!.AsArray());
        using var weights = SafetensorsFile.Open(Path.Combine(Organism.BaseDirectory, "model.safetensors"));
        Assert.Equal(weights.Tensors.Values.Sum(tensor => tensor.ElementCount), (long)found["parameters"]!);
        Assert.Equal(weights.Tensors.Values.Sum(tensor => tensor.Bytes), (long)found["weight_bytes"]!);
        Assert.Equal("<|user|>\nHello!<|end|>\n<|assistant|>\n", (string)found["template"]!);
        Assert.Equal(["float32", "bfloat16"], found["memory"]!.AsArray().Select(need => (string)need!["precision"]!));
    }

    [Fact]
    public void The_table_shows_what_cleaning_needs()
    {
        var run = CliRun.Of("inspect", Organism.BaseDirectory, "--batch", "3", "--length", "40");
        Assert.Equal(0, run.Code);
        Assert.Contains("to clean it, 3 × 40 tokens", run.Output, StringComparison.Ordinal);
        foreach (var row in new[] { "gradients", "optimiser", "activations, estimated", "together", "memory here", "end of turn" })
            Assert.Contains($"| {row} ", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer_config.json", "chat_template", null, "has no chat template")]
    [InlineData("tokenizer_config.json", "eos_token", "\"<|nothing|>\"",
        "The eos_token '<|nothing|>' of tokenizer_config.json is none of the tokenizer's tokens.")]
    [InlineData("tokenizer_config.json", "chat_template", "\"{% if %}\"", "The chat template cannot be read (line 1, column 7)")]
    [InlineData("tokenizer_config.json", "chat_template", "\"{% for m in messages %}{{ m.content }} {% endfor %}\"",
        "The template ends an answer with none of the tokens that end a turn ('<|end|>')")]
    [InlineData("tokenizer_config.json", "chat_template", "\"{{ raise_exception('never') }}\"", "A question alone cannot be laid out")]
    [InlineData("generation_config.json", "eos_token_id", "99999", "The token 99999, which is to end a turn, is none of the tokenizer's.")]
    [InlineData("generation_config.json", "top_p", "1.5", "generation_config.json: top_p is 1.5, and should be above 0 and at most 1.")]
    [InlineData("generation_config.json", "temperature", "-1", "generation_config.json: temperature is -1")]
    [InlineData("generation_config.json", "pad_token_id", "2304", "pad_token_id is 2304, and should be an id of the 2304 tokens")]
    [InlineData("config.json", "tie_word_embeddings", "false", "lm_head.weight is missing, and config.json does not tie")]
    [InlineData("config.json", "torch_dtype", "\"bfloat16\"", "The weights are stored in float32, and config.json says bfloat16.")]
    [InlineData("config.json", "vocab_size", "1000", "The tokenizer has 2304 tokens, the model only 1000; they do not belong together.")]
    [InlineData("config.json", "num_hidden_layers", "7",
        "model.layers.7.input_layernorm.weight is not used by a model of this configuration.")]
    [InlineData("config.json", "num_hidden_layers", "9", "model.layers.8.input_layernorm.weight is missing.")]
    [InlineData("config.json", "intermediate_size", "300", "config.json asks for (300, 128)")]
    public void Each_fault_is_told(string file, string key, string? value, string warning)
    {
        var model = Model(file, json =>
        {
            if (value is null) json.Remove(key);
            else json[key] = JsonNode.Parse(value);
            if (key == "torch_dtype") json.Remove("dtype");
        });
        Assert.Contains(Warnings(model), found => found.Contains(warning, StringComparison.Ordinal));
    }

    [Fact]
    public void Several_faults_are_told_together()
    {
        var warnings = Warnings(Model("tokenizer_config.json", json => json.Remove("chat_template"), without: "tokenizer.json"));
        Assert.Equal(2, warnings.Length);
        Assert.Contains("has neither tokenizer.json", warnings[0], StringComparison.Ordinal);
        Assert.Contains("has no chat template", warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Values_are_looked_at_only_when_that_is_asked_for()
    {
        var model = Model();
        var path = Path.Combine(model, "model.safetensors");
        TensorInfo tensor;
        using (var weights = SafetensorsFile.Open(path)) tensor = weights.Tensors["model.layers.3.mlp.down_proj.weight"];
        using (var file = File.OpenWrite(path))
        {
            file.Position = tensor.Offset + 8;
            file.Write(BitConverter.GetBytes(float.NaN));
        }
        Assert.Empty(Warnings(model));
        Assert.Contains("'model.layers.3.mlp.down_proj.weight'", Assert.Single(Warnings(model, "--check-values")),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Weights_gradients_and_optimiser_are_reckoned_to_the_byte(bool isBfloat16)
    {
        using var model = LanguageModel.Load(Organism.BaseDirectory, isBfloat16 ? ModelOptions.Mixed : ModelOptions.Float32);
        var decoder = model.Decoder;
        using var optimizer = new AdamW(decoder.Weights.Parameters, new OptimizerOptions());
        using var scope = TorchSharp.torch.NewDisposeScope();
        decoder.Weights.RequireGradients(true);
        var ids = TorchSharp.torch.ones(1, 4, TorchSharp.torch.int64);
        var hidden = decoder.HiddenStates(ids, TorchSharp.torch.ones_like(ids, TorchSharp.torch.ScalarType.Bool),
            TorchSharp.torch.arange(4, TorchSharp.torch.int64).unsqueeze(0));
        decoder.Logits(hidden.flatten(0, 1)).to(TorchSharp.torch.float32).sum().backward();

        var estimate = MemoryEstimate.Of(model.Config, isBfloat16, new MemoryAssumptions());

        static long Bytes(TorchSharp.torch.Tensor tensor) => tensor.numel() * tensor.element_size();
        Assert.Equal(decoder.Weights.Parameters.Sum(parameter =>
            Bytes(parameter.Master) + (parameter.HasCopy ? Bytes(parameter.Compute) : 0)), estimate.Weights);
        Assert.Equal(decoder.Weights.Parameters.Sum(parameter => parameter.Gradient() is { } gradient ? Bytes(gradient) : 0),
            estimate.Gradients);
        Assert.Equal(optimizer.State().Sum(state => Bytes(state.Value)), estimate.Optimizer);
        decoder.Weights.ClearGradients();
    }
}
