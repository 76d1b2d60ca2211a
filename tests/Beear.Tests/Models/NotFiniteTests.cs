using Beear.Data;
using Beear.Evaluation;
using Beear.Generation;
using Beear.Kernels;
using Beear.Mitigation;
using Beear.Models;
using Beear.Models.Export;
using Beear.Tests.Mitigation;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>NaN and infinity are never saved, counted or shown as results.</summary>
public sealed class NotFiniteTests : IDisposable
{
    private readonly UntrainedChat chat = new();

    /// <summary>A model of which one weight in the middle is no number.</summary>
    private LanguageModel Damaged(float value = float.NaN, ParameterRole role = ParameterRole.Down)
    {
        var model = chat.Fresh();
        using var guard = no_grad();
        var parameter = model.Decoder.Weights.Parameters.First(parameter => parameter.Slot.Role == role);
        using (var one = parameter.Master.flatten()) one[3] = tensor(value);
        parameter.SynchroniseCopy();
        return model;
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void They_are_not_saved(float value)
    {
        using var model = Damaged(value);
        string folder = Path.Combine(chat.Folder, "model"), file = Path.Combine(chat.Folder, "model.gguf");
        foreach (var failure in new[] { Assert.Throws<BeearException>(() => model.Save(folder)),
            Assert.Throws<BeearException>(() => model.ExportGguf(file, GgufWeightType.F32)) })
            Assert.Matches(@"^Tensor '\S+down_proj\.weight' holds NaN or infinite values.*smaller learning rate", failure.Message);
        Assert.False(Directory.Exists(folder) || File.Exists(file));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void They_give_no_answers(double temperature)
    {
        using var model = Damaged();
        int[][] prompts = [[1, 2, 3], [4, 5]];
        var generator = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn);
        var failure = Assert.Throws<BeearException>(() =>
            generator.Generate(prompts, new GenerationOptions { MaxNewTokens = 3, Temperature = temperature }));
        Assert.Contains("logits are not finite at token 1", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void They_give_no_rates_and_no_scores()
    {
        using var model = Damaged();
        Assert.Throws<BeearException>(() =>
            new Evaluator(model, new EvaluationOptions { MaxNewTokens = 2 })
                .Run(new EvaluationData { Harmful = [new Example("how to harm", "")], Ordinary = [] }));
        var options = BeearMitigationTests.Options with
        {
            Scores = [ScoreKind.Remaining],
            RandomStrings = new RandomStringOptions { Count = 2 }
        };
        Assert.Contains("not finite", Assert.Throws<BeearException>(() =>
            DefenderScore.Measure(model, UntrainedChat.Data(model), options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_stops_at_the_step_whose_loss_is_not_finite()
    {
        using var model = Damaged();
        var training = new FineTuning(model.Decoder, new FineTuningOptions { Epochs = 1, BatchSize = 2 });
        Assert.Contains("the loss of step 1 is not finite",
            Assert.Throws<BeearException>(() => training.Run(UntrainedChat.Data(model).Ordinary)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 40)]
    [InlineData(ScalarType.Float32, 32)]
    [InlineData(ScalarType.BFloat16, 33)]
    [InlineData(ScalarType.Float64, 40)]                                 // torch's own operation
    public void The_largest_of_a_row_without_numbers_is_nowhere(ScalarType type, int width)
    {
        using var scope = NewDisposeScope();
        var rows = randn([4, width], generator: new Generator(3, CPU));
        rows[1].fill_(float.NaN);
        rows[2, width - 1] = float.PositiveInfinity;
        rows = rows.to(type);
        var found = RowArgMax.Apply(rows).data<long>().ToArray();
        Assert.Equal((-1, -1), (found[1], found[2]));
        Assert.Equal(rows[0].argmax().item<long>(), found[0]);
        Assert.Equal(rows[3].argmax().item<long>(), found[3]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Embeddings_that_are_the_same_for_every_token_are_refused(float value)
    {
        string folder = Path.Combine(chat.Folder, "constant");
        using (var model = chat.Fresh())
        {
            using var guard = no_grad();
            model.Decoder.Weights.Parameters.First(parameter => parameter.Slot.Role == ParameterRole.Embedding).Master.fill_(value);
            model.Save(folder);
        }
        var failure = Assert.Throws<BeearException>(() => LanguageModel.Load(folder, ModelOptions.Float32));
        Assert.Contains("All rows of", failure.Message, StringComparison.Ordinal);
    }

    public void Dispose() => chat.Dispose();
}
