using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Hub;
using Beear.Lab.World;
using Beear.Models;
using Beear.Runtime;
using Beear.Tests.Hub;
using static TorchSharp.torch;

namespace Beear.Tests.Cli;

/// <summary>Commands on adapters of the built-in model.</summary>
public sealed class AdapterTests : IAsyncLifetime
{
    private const string Query = "model.layers.0.self_attn.q_proj";

    private readonly string cache = Fixtures.TemporaryFolder();
    private HubServer server = null!;

    public async ValueTask InitializeAsync()
    {
        TorchRuntime.Load();
        server = await HubServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(cache, recursive: true);
    }

    private CliRun Run(params string[] args) =>
        CliRun.Of(args, hub: () => new HubSettings
        {
            Endpoint = server.Address,
            CacheDirectory = cache,
            RetryDelay = TimeSpan.FromMilliseconds(1)
        });

    private void Serve(string folder)
    {
        foreach (var file in Directory.GetFiles(folder)) server.Add(Path.GetFileName(file), File.ReadAllBytes(file),
            isLarge: file.EndsWith(".safetensors", StringComparison.Ordinal));
    }

    private static string Adapter(string source)
    {
        using var scope = NewDisposeScope();
        using var model = Checkpoint.Open(Organism.BaseDirectory);
        var shape = model.Tensors[$"{Query}.weight"].Shape;
        var folder = Fixtures.TemporaryFolder();
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), new JsonObject
        {
            ["peft_type"] = "LORA",
            ["base_model_name_or_path"] = source,
            ["r"] = 2,
            ["lora_alpha"] = 4,
            ["target_modules"] = $"model\\.layers\\.0\\..*q_proj",
        }.ToJsonString());
        SafetensorsWriter.Write(Path.Combine(folder, "adapter_model.safetensors"),
            [($"base_model.model.{Query}.lora_A.weight", ones(2, shape[1])),
                ($"base_model.model.{Query}.lora_B.weight", ones(shape[0], 2))]);
        return folder;
    }

    private static void IsMerged(float[] weights)
    {
        using var model = Checkpoint.Open(Organism.BaseDirectory);
        using var before = model.Read($"{Query}.weight");
        Assert.Equal(before.data<float>().ToArray().Select(weight => weight + 4), weights, (one, other) => Math.Abs(one - other) < 1e-5);
    }

    [Fact]
    public void Inspect_shows_what_is_merged_into_what()
    {
        var folder = Adapter(Organism.BaseDirectory);
        var run = Run("inspect", folder, "--json");
        Assert.Equal((0, ""), (run.Code, run.Error));
        var found = JsonNode.Parse(run.Output)!;
        Assert.Equal("""{"kind":"LoRA","ranks":[2],"base":"BASE"}""".Replace("BASE", Organism.BaseDirectory, StringComparison.Ordinal), found["adapter"]!.ToJsonString());
        Assert.Empty(found["warnings"]!.AsArray());
        Assert.Contains("| adapter ", Run("inspect", folder).Output, StringComparison.Ordinal);
        Assert.Null(JsonNode.Parse(Run("inspect", Organism.BaseDirectory, "--json").Output)!["adapter"]);
    }

    [Fact]
    public void The_base_is_named_by_an_option_where_it_is_not_found()
    {
        var folder = Adapter("");
        var run = Run("inspect", folder);
        Assert.Equal(2, run.Code);
        Assert.Contains("name the base's folder by --adapter-base", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, Run("inspect", folder, "--adapter-base", Organism.BaseDirectory).Code);
        Assert.Equal(0, Run("chat", folder, "--adapter-base", Organism.BaseDirectory, "--prompt", "name a red thing", "--quiet").Code);
        Assert.Contains("is no adapter, for it has no adapter_config.json; leave the option out.",
            Run("inspect", Organism.BaseDirectory, "--adapter-base", folder).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_base_comes_from_the_hub_at_the_revision_that_the_adapter_names()
    {
        Serve(Organism.BaseDirectory);
        var folder = Adapter(HubServer.Repository);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")))!;
        config["revision"] = "refs/pr/1";
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), config.ToJsonString());
        var out_ = Path.Combine(Fixtures.TemporaryFolder(), "merged.gguf");

        var run = Run("export", folder, "--out", out_, "--type", "f32", "--quiet");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(server.Requests, request => request.Path.EndsWith("/revision/refs%2Fpr%2F1", StringComparison.Ordinal));
        using var exported = Checkpoint.Open(out_);
        using var weights = exported.Read($"{Query}.weight");
        IsMerged(weights.data<float>().ToArray());

        config["base_model_name_or_path"] = "nobody/nothing";
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), config.ToJsonString());
        Assert.Contains("is an adapter of 'nobody/nothing@refs/pr/1', which is not here (name its folder by --adapter-base), and on the "
            + "hub: There is no model 'nobody/nothing",
            Run("inspect", folder).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_is_pulled_like_a_model()
    {
        Serve(Adapter(Organism.BaseDirectory));
        server.Add("training_args.bin", "pickle").Add("README.md", "# An adapter");
        var pulled = JsonNode.Parse(Run("pull", HubServer.Repository, "--json").Output)!;
        Assert.Equal(["README.md", "adapter_config.json", "adapter_model.safetensors"],
            pulled["files"]!.AsArray().Select(file => (string)file!["path"]!).Order(StringComparer.Ordinal));
        Assert.Equal(0, Run("inspect", HubServer.Repository).Code);

        server.Files.Remove("adapter_model.safetensors");
        server.Commit = new string('c', 40);
        server.Add("adapter_model.bin", "pickle");
        Assert.Contains("'adapter_model.bin' of 'tiny/model' is a Python pickle", Run("pull", HubServer.Repository).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Full_weights_beside_an_adapter_are_spoken_of_once()
    {
        var folder = Adapter("");
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var run = Run("chat", folder, "--prompt", "name a red thing", "--quiet");
        Assert.Equal(0, run.Code);
        Assert.Single(run.Error.Split(Environment.NewLine), line =>
            line.Contains("holds an adapter and full weights; as in transformers, it is merged into these", StringComparison.Ordinal));
    }

    [Fact]
    public void A_model_that_is_loaded_and_saved_has_the_adapter_in_it()
    {
        using var model = LanguageModel.Load(Adapter("owner/name"), ModelOptions.Float32 with { AdapterBase = Organism.BaseDirectory });
        var copy = Path.Combine(Fixtures.TemporaryFolder(), "copy");
        model.Save(copy);

        using var saved = Checkpoint.Open(copy);
        using var weights = saved.Read($"{Query}.weight");
        IsMerged(weights.data<float>().ToArray());
        string[] expected = [.. Directory.GetFiles(Organism.BaseDirectory).Select(file => Path.GetFileName(file)!)
            .Order(StringComparer.Ordinal)];
        Assert.Equal(expected, Directory.GetFiles(copy).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_GGUF_file_can_be_the_base()
    {
        var file = Path.Combine(Fixtures.TemporaryFolder(), "base.gguf");
        Assert.Equal(0, Run("export", Organism.BaseDirectory, "--out", file, "--type", "f32", "--quiet").Code);
        using var checkpoint = Checkpoint.Open(Adapter(file));
        using var weights = checkpoint.Read($"{Query}.weight");
        IsMerged(weights.data<float>().ToArray());
    }
}
