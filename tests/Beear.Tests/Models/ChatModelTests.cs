using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Generation;
using Beear.Models;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>Real chat models of two families from their GGUF files, against transformers.</summary>
public class ChatModelTests
{
    [Theory]
    [InlineData("smollm2-135m-instruct")]
    [InlineData("gemma3-270m-chat")]
    public void Hidden_states_logits_and_greedy_answers(string name)
    {
        string folder = Fixtures.Shared("models", name);
        using var scope = NewDisposeScope();
        using var model = LanguageModel.Load(folder, ModelOptions.Float32);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
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
            var (wanted, logits) = (expected.Read("last_logits"), decoder.Logits(hidden.select(1, last)));
            ParityCases.Close(wanted, logits, 2e-4, "last_logits");
            TestContext.Current.TestOutputHelper!.WriteLine($"{name}: logits differ by {(wanted - logits).abs().max().item<float>():G3} at "
                + $"most, the largest is {wanted.abs().max().item<float>():G4}");
        }

        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!["rows"]!.AsArray();
        var prompts = cases.Select(row => model.Chat.EncodePrompt([ChatTurn.User(row!["question"]!.GetValue<string>())])).ToList();
        using var asked = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        var (inputs, real) = (asked.Read("input_ids").to(int64), asked.Read("attention_mask").to(ScalarType.Bool));
        for (int i = 0; i < prompts.Count; i++)
            Assert.Equal(inputs[i].masked_select(real[i]).data<long>().Select(id => (int)id), prompts[i]);
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
    [Fact]
    public void Gemmas_turns_ends_windows_and_head_are_its_own()
    {
        using var model = LanguageModel.Load(Fixtures.Shared("models", "gemma3-270m-chat"), ModelOptions.Float32);
        var config = model.Decoder.Config;
        Assert.Equal(("gemma3_text", 18, 640, 41_472), (config.ModelType, config.Layers, config.HiddenSize, config.VocabularySize));
        Assert.True(config.TiedEmbeddings);
        // Five layers with a window of 512, then one that sees everything.
        Assert.Equal(512, config.SlidingWindow);
        Assert.Equal(Enumerable.Range(0, 18).Select(layer => layer % 6 != 5), config.LayerKinds.Select(kind => kind.Windowed));
        var chat = model.Chat;
        Assert.Equal([1, 106], chat.EndOfTurn.Order());
        ChatTurn[] turns = [ChatTurn.System("Be brief."), ChatTurn.User("Hi")];
        Assert.Equal("<bos><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\n", chat.Render(turns).Text);
        int[] ids = chat.EncodePrompt(turns);
        Assert.Equal((2, 1), (ids[0], ids.Count(id => id == 2)));        // one beginning
    }
}
