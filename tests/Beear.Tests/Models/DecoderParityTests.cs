using Beear.Generation;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>Every model of the parity folder, against what the reference implementation computed in float64.</summary>
public class DecoderParityTests
{
    private const double Tolerance = 2e-4;                               // of the largest value

    public static TheoryData<string> Models() => ParityCases.Folders("models", folder => ParityCases.IsSupported(folder));

    [Theory]
    [MemberData(nameof(Models))]
    public void Hidden_states_logits_loss_and_gradients(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new ParityModel(name);
        var (decoder, expected) = (model.Decoder, model.Expected);
        decoder.Weights.RequireGradients(true);
        using var context = decoder.Context(model.PositionIds, LayerContext.Causal(model.Mask, model.Ids.shape[1]));

        var hidden = decoder.Embed(model.Ids);
        for (int layer = 0; layer < decoder.Config.Layers; layer++)
        {
            Close($"hidden.{layer}", hidden);
            hidden = decoder.RunLayers(hidden, layer..(layer + 1), context);
        }
        Close($"hidden.{decoder.Config.Layers}", decoder.Normalize(hidden));
        var flat = hidden.flatten(0, 1);
        Close("logits", decoder.Logits(flat).view(model.Ids.shape[0], -1, decoder.Config.VocabularySize));

        var loss = Losses.CrossEntropy(decoder.Logits(flat.index_select(0, model.LabelRows)), model.Labels).mean();
        Assert.Equal(model.Json["loss"]!.GetValue<double>(), loss.item<float>(), 1e-4);
        loss.backward();
        var seen = new HashSet<string>();
        foreach (var parameter in decoder.Weights.Parameters)
        {
            foreach (var (part, gradient) in parameter.Split(parameter.Gradient()!))
            {
                Assert.True(seen.Add(part), $"{part} is covered twice");
                ParityCases.Close(expected.Read($"grad.{part}"), gradient, Tolerance, $"grad.{part}");
            }
        }
        Assert.Equal(expected.Tensors.Keys.Where(key => key.StartsWith("grad.", StringComparison.Ordinal)).Select(key => key[5..])
            .Order(), seen.Order());

        void Close(string tensor, Tensor actual)
        {
            using var masked = actual.detach() * model.Mask.unsqueeze(-1);
            using var reference = expected.Read(tensor).to(TestDevice.Device) * model.Mask.unsqueeze(-1);
            ParityCases.Close(reference, masked, Tolerance, tensor);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Perturbed_logits_and_gradient(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new ParityModel(name);
        var decoder = model.Decoder;
        decoder.Weights.RequireGradients(false);
        int layer = model.Json["layer"]!.GetValue<int>(), promptWidth = model.Json["prompt_width"]!.GetValue<int>();
        var delta = model.Expected.Read("delta").to(TestDevice.Device).requires_grad_(true);

        var hidden = decoder.HiddenStates(model.Ids, model.Mask, model.PositionIds, new Perturbation(delta, layer),
            promptWidth).flatten(0, 1);
        var logits = decoder.Logits(hidden).view(model.Ids.shape[0], -1, decoder.Config.VocabularySize);
        ParityCases.Close(model.Expected.Read("delta_logits"), logits.detach() * model.Mask.unsqueeze(-1), Tolerance, "delta_logits");

        var loss = Losses.CrossEntropy(decoder.Logits(hidden.index_select(0, model.LabelRows)), model.Labels).mean();
        Assert.Equal(model.Json["delta_loss"]!.GetValue<double>(), loss.item<float>(), 1e-4);
        var gradient = autograd.grad([loss], [delta])[0];
        ParityCases.Close(model.Expected.Read("delta_grad"), gradient, Tolerance, "delta_grad");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Greedy_continuations(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new ParityModel(name);
        int promptWidth = model.Json["prompt_width"]!.GetValue<int>();
        var prompts = model.Prompts(promptWidth);
        var expected = model.Json["greedy"]!.AsArray().Select(row => row!.AsArray().Select(id => id!.GetValue<int>()).ToArray()).ToArray();

        var answers = new BatchGenerator(model.Decoder, new HashSet<int>())
            .Generate(prompts, new GenerationOptions { MaxNewTokens = expected[0].Length, BatchSize = 3 });

        Assert.Equal(expected, answers.Select(answer => answer.Tokens));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Saved_weights_come_back_byte_for_byte(string name) => RoundTrip.Check(Fixtures.Parity("models", name));

    [Theory]
    [MemberData(nameof(Models))]
    public void Bfloat16_is_finite_and_near(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new ParityModel(name, TestDevice.Mixed);
        model.Decoder.Weights.RequireGradients(true);

        var hidden = model.Decoder.HiddenStates(model.Ids, model.Mask, model.PositionIds).flatten(0, 1).index_select(0, model.LabelRows);
        var loss = Losses.CrossEntropy(model.Decoder.Logits(hidden), model.Labels).mean();
        loss.backward();

        Assert.Equal(model.Json["loss"]!.GetValue<double>(), loss.item<float>(), 0.05);
        Assert.All(model.Decoder.Weights.Parameters, parameter => Assert.True(parameter.Gradient()!.isfinite().all().item<bool>()));
    }
}
