using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Tests;

/// <summary>One model of the parity folder with its inputs.</summary>
internal sealed class ParityModel : IDisposable
{
    public ParityModel(string name, ModelOptions? options = null)
    {
        TorchRuntime.Load();
        var folder = Fixtures.Parity("models", name);
        using var checkpoint = Checkpoint.Open(folder);
        Decoder = Decoder.Load(checkpoint, options ?? TestDevice.Float32);
        Expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        Json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!.AsObject();
        Ids = Expected.Read("input_ids").to(int64).to(TestDevice.Device);
        Mask = Expected.Read("attention_mask").to(ScalarType.Bool).to(TestDevice.Device);
        PositionIds = Expected.Read("position_ids").to(int64).clamp_min(0).to(TestDevice.Device);
        // Labels stand at the tokens that are predicted; the row that predicts a token is the one before it.
        var labels = Expected.Read("labels").to(int64).to(TestDevice.Device);                  // (B, T), −100 where there is none
        long width = labels.shape[1];
        var flat = labels.flatten();
        var at = flat.ge(0).nonzero().squeeze(1);
        Labels = flat.index_select(0, at);
        LabelRows = at - 1;
        Assert.True((at % width).min().item<long>() > 0);
    }

    public Decoder Decoder { get; }

    public SafetensorsFile Expected { get; }

    public JsonObject Json { get; }

    public Tensor Ids { get; }

    public Tensor Mask { get; }

    public Tensor PositionIds { get; }

    public Tensor Labels { get; }

    public Tensor LabelRows { get; }

    /// <summary>The rows' real prompt tokens.</summary>
    public int[][] Prompts(int promptWidth) =>
    [
        .. Enumerable.Range(0, (int)Ids.shape[0]).Select(row => Enumerable.Range(0, promptWidth)
            .Where(column => Mask[row, column].item<bool>()).Select(column => (int)Ids[row, column].item<long>()).ToArray()),
    ];

    public void Dispose()
    {
        Decoder.Dispose();
        Expected.Dispose();
    }
}
