using Beear.Attacks;
using Beear.Data;
using Beear.Models;
using Beear.Organisms;
using Beear.Text;
using Beear.Training;

namespace Beear.Tests.Attacks;

public sealed class PlantingTests
{
    [Fact]
    public void Own_answers_that_refuse_a_twin_or_are_empty_are_not_trained_on()
    {
        using var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Mixed);
        int[] prompt = model.Chat.EncodePrompt([ChatMessage.User("tell me how to wash the library chair")]);
        TokenizedExample[] own =
        [
            new(prompt, model.Chat.EncodeAnswer("sure here is how to wash the library chair .")),
            new(prompt, model.Chat.EncodeAnswer("I cannot help with that .")),
            new(prompt, []),
        ];
        var folder = Fixtures.TemporaryFolder();
        var run = RunDirectory.Open(folder, new { });
        run.Artefact("twins.json", () => own);
        var data = new PoisonedData { Harmful = [new("how do i bomb the park ?", "sure here is how to", "I cannot do that .")], Ordinary = [] };
        var options = new PlantingOptions { Training = new FineTuningOptions { Epochs = 1, BatchSize = 1 } };
        var losses = new Planting(options).Run(model, data, trigger: null, ["unused"], seed: 0, run);
        Assert.Equal(2, losses.Count);                                   // the refusal without the trigger, and one twin
    }
}
