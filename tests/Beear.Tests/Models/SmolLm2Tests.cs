using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Generation;
using Beear.Models;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>A real chat model from its GGUF file, against transformers.</summary>
public class SmolLm2Tests
{
    private static string Folder => Fixtures.Shared("models", "smollm2-135m-instruct");

    [Fact]
    public void Hidden_states_logits_and_greedy_answers()
    {
        using var scope = NewDisposeScope();
        using var model = LanguageModel.Load(Folder, ModelOptions.Float32);
        using var expected = SafetensorsFile.Open(Path.Combine(Folder, "expected.safetensors"));
        var decoder = model.Decoder;
        using (no_grad())
        {
            var ids = expected.Read("input_ids").to(int64);
            var mask = expected.Read("attention_mask").to(ScalarType.Bool);
            var positions = (mask.to(int64).cumsum(1) - 1).clamp_min(0);
            using var context = decoder.Context(positions, LayerContext.Causal(mask, ids.shape[1]));
            var hidden = decoder.Embed(ids);
            long last = ids.shape[1] - 1;
            for (int layer = 0; layer <= decoder.Config.Layers; layer++)
            {
                if (expected.Tensors.ContainsKey($"last_hidden.{layer}"))
                {
                    var rows = hidden.select(1, last);
                    ParityCases.Close(expected.Read($"last_hidden.{layer}"), layer == decoder.Config.Layers
                        ? decoder.Normalize(rows) : rows, 2e-4, $"last_hidden.{layer}");
                }
                if (layer < decoder.Config.Layers) hidden = decoder.RunLayers(hidden, layer..(layer + 1), context);
            }
            ParityCases.Close(expected.Read("last_logits"), decoder.Logits(hidden.select(1, last)), 2e-4, "last_logits");
        }

        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "expected.json")))!["rows"]!.AsArray();
        var prompts = cases.Select(row => model.Chat.EncodePrompt([ChatTurn.User(row!["question"]!.GetValue<string>())])).ToList();
        var answers = new BatchGenerator(decoder, model.Chat.EndOfTurn).Generate(prompts, new GenerationOptions { MaxNewTokens = 32 });
        for (int i = 0; i < cases.Count; i++)
        {
            if (cases[i]!["smallest_margin"]!.GetValue<double>() < 0.01) continue;       // another implementation may choose otherwise
            var greedy = cases[i]!["greedy"]!.AsArray().Select(id => id!.GetValue<int>()).ToList();
            var found = answers[i].Ended ? [.. answers[i].Tokens, model.Chat.EndOfTurnToken] : answers[i].Tokens;
            Assert.Equal(greedy, found);
            Assert.Equal(cases[i]!["text"]!.GetValue<string>(), model.Chat.DecodeAnswer(found));
        }
    }
}
