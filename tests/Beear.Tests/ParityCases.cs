using System.Text.Json.Nodes;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests;

/// <summary>Finds the cases of the parity folder and compares with them.</summary>
internal static class ParityCases
{
    /// <summary>The folders under a part of the parity folder; one placeholder, whose test then skips itself, if it is not here.</summary>
    public static TheoryData<string> Folders(string part, Func<string, bool> include) => Cases(part, Directory.GetDirectories, include);

    /// <summary>The json files of a part of the parity folder, without their ending.</summary>
    public static TheoryData<string> Files(string part, Func<string, bool> include) =>
        Cases(part, folder => Directory.GetFiles(folder, "*.json"), include);

    /// <summary>Whether the model folder's family is one that the decoder knows.</summary>
    public static bool IsSupported(string folder)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        return config["model_type"]?.GetValue<string>() is { } type && ModelConfig.Families.Contains(type);
    }

    /// <summary>Asserts that no element differs by more than the tolerance times the largest expected value.</summary>
    public static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        double largest = expected.abs().max().to(float64).item<double>();
        double difference = (expected.detach().cpu().to(float64) - actual.detach().cpu().to(float64)).abs().max().item<double>();
        Assert.True(difference <= tolerance * largest, $"{what}: differs by {difference:G3}, the largest value is {largest:G3}");
    }

    private static TheoryData<string> Cases(string part, Func<string, string[]> list, Func<string, bool> include)
    {
        var folder = Path.Combine(Fixtures.ParityFolder, part);
        var cases = new TheoryData<string>();
        if (!Directory.Exists(folder))
        {
            cases.Add("(no reference files)");
            return cases;
        }
        foreach (var path in list(folder).Where(include).Order(StringComparer.Ordinal)) cases.Add(Path.GetFileNameWithoutExtension(path));
        return cases;
    }
}
