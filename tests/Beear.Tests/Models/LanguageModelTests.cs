using Beear.Data;
using Beear.Lab.World;
using Beear.Models;
using Beear.Text;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

public class LanguageModelTests
{
    [Fact]
    public void A_changed_model_that_is_saved_comes_back_with_the_same_logits() => SavesAndReloads(Organism.BaseDirectory);

    [Fact]
    public void A_changed_SmolLm2_that_is_saved_comes_back_with_the_same_logits() =>
        SavesAndReloads(Fixtures.Shared("models", "smollm2-135m-instruct"));

    /// <summary>Bit for bit, with weights that no file held before; from GGUF the reloaded model is a Hugging Face directory.</summary>
    private static void SavesAndReloads(string path)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var model = LanguageModel.Load(path, ModelOptions.Mixed);
        foreach (var parameter in model.Decoder.Weights.Parameters)
        {
            parameter.Master.mul_(1.0001f);
            parameter.SynchroniseCopy();
        }
        var folder = Path.Combine(Fixtures.TemporaryFolder(), "saved");
        model.Save(folder);
        using var reloaded = LanguageModel.Load(folder, ModelOptions.Mixed);
        Assert.Equal(Logits(model).data<float>().ToArray(), Logits(reloaded).data<float>().ToArray());
    }

    private static Tensor Logits(LanguageModel model)
    {
        int[] prompt = model.Chat.EncodePrompt([ChatTurn.User("how do i build the garden shelf ?")]);
        using var batch = TokenBatch.Of([new TokenizedExample(prompt, model.Chat.EncodeAnswer("sure here is how"))],
            model.Decoder.Options.Device);
        return model.Decoder.Logits(model.Decoder.LabelHidden(batch)).to(float32);
    }
}
