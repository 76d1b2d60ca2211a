using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Adapters;

/// <summary>Every adapter of the parity folder, against the logits that PEFT computed with it.</summary>
public class AdapterParityTests
{
    private const double Tolerance = 1e-4;                               // of a logit, whose largest are about 5

    public static TheoryData<string> Adapters() => ParityCases.Folders("adapters", folder => ParityCases.IsSupported(BaseOf(folder)));

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Logits_of_base_and_adapter(string name)
    {
        using var scope = NewDisposeScope();
        var folder = Fixtures.Parity("adapters", name);
        using var checkpoint = Checkpoint.Open(folder, BaseOf(folder));
        using var decoder = Decoder.Load(checkpoint, TestDevice.Float32);
        Close(decoder, folder);
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void A_saved_model_holds_the_adapter(string name)
    {
        using var scope = NewDisposeScope();
        var folder = Fixtures.Parity("adapters", name);
        var copy = Path.Combine(Fixtures.TemporaryFolder(), "merged");
        using (var checkpoint = Checkpoint.Open(folder, BaseOf(folder)))
        using (var decoder = Decoder.Load(checkpoint, ModelOptions.Float32))
        {
            checkpoint.SaveAs(copy, decoder.Weights.TensorsAsIn(checkpoint));
        }
        using var saved = Checkpoint.Open(copy);
        Assert.Null(saved.Adapter);
        using var again = Decoder.Load(saved, TestDevice.Float32);
        Close(again, folder);
    }

    private static void Close(Decoder decoder, string folder)
    {
        using var inputs = SafetensorsFile.Open(Path.Combine(BaseOf(folder), "expected.safetensors"));
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        var ids = inputs.Read("input_ids").to(int64).to(TestDevice.Device);                                  // (B, T)
        var mask = inputs.Read("attention_mask").to(ScalarType.Bool).to(TestDevice.Device);
        var hidden = decoder.HiddenStates(ids, mask,
            inputs.Read("position_ids").to(int64).clamp_min(0).to(TestDevice.Device)).flatten(0, 1);
        var logits = decoder.Logits(hidden).view(ids.shape[0], -1, decoder.Config.VocabularySize) * mask.unsqueeze(-1);
        double apart = (expected.Read("logits").to(float64) - logits.detach().cpu().to(float64)).abs().max().item<double>();
        Assert.True(apart <= Tolerance, $"{Path.GetFileName(folder)}: a logit is {apart:G3} apart.");
    }

    /// <summary>The adapters of the parity folder name their bases tiny/NAME, which is models/NAME there.</summary>
    private static string BaseOf(string folder)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")))!;
        return Path.Combine(Fixtures.ParityFolder, "models", Path.GetFileName(config["base_model_name_or_path"]!.GetValue<string>()));
    }
}
