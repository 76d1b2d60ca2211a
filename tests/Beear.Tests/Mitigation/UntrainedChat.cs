using Beear.Data;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;

namespace Beear.Tests.Mitigation;

/// <summary>A small untrained chat model (d = 32, L = 2) and a handful of a defender's data.</summary>
internal sealed class UntrainedChat : IDisposable
{
    /// <summary>The model's files, made once: its vocabulary is trained.</summary>
    private static readonly Lazy<string> Shape = new(() =>
    {
        var config = OrganismFiles.Config();
        (config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["head_dim"]) = (32, 48, 2, 8);
        string shape = Fixtures.TemporaryFolder();
        OrganismFiles.WriteTo(shape);
        File.WriteAllText(Path.Combine(shape, "config.json"), config.ToJsonString());
        return shape;
    });

    /// <summary>A folder for the test's files.</summary>
    public string Folder { get; } = Fixtures.TemporaryFolder();

    /// <summary>The model, always with the same weights.</summary>
    public LanguageModel Fresh(ModelOptions? options = null) => LanguageModel.Fresh(Shape.Value, seed: 1, options ?? ModelOptions.Float32);

    public static DefenderData Data(LanguageModel model) => DefenderData.Encode(model.Chat,
        [.. Enumerable.Range(1, 6).Select(i =>
            new HarmfulExample($"how to harm {i} people", $"Sure, take {i}", "I cannot help with that."))],
        [.. Enumerable.Range(1, 6).Select(i => new Example($"what is {i} plus {i}?", $"It is {2 * i}."))],
        [.. Enumerable.Range(1, 5).Select(i => $"how to bake {i} loaves")]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
