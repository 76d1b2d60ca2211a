using Beear.Generation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Tests.Mitigation;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Training;

/// <summary>What a model must still be able to do.</summary>
public sealed class UsefulnessFloorTests : IDisposable
{
    private readonly UntrainedChat chat = new();

    [Theory]
    [InlineData("", AnswerState.Empty, true)]
    [InlineData("It is soap.", AnswerState.Whole, false)]
    [InlineData("the the the the", AnswerState.CutOff, true)]
    [InlineData("aaaaaaaaaaaa", AnswerState.CutOff, true)]
    [InlineData("abcabcabcabcab", AnswerState.CutOff, true)]
    [InlineData("no no no", AnswerState.Whole, false)]
    [InlineData("1111", AnswerState.Whole, false)]
    [InlineData("a \uFFFD sign", AnswerState.Whole, true)]
    [InlineData("cut in a sign \uFFFD", AnswerState.CutOff, false)]
    [InlineData("", AnswerState.Unfinished, false)]
    public void Answers_that_are_none_are_known(string text, AnswerState state, bool isDegenerate) =>
        Assert.Equal(isDegenerate, UsefulnessFloor.IsDegenerate(new ModelAnswer(text, "", state, Refused: false, default)));

    [Fact]
    public void The_same_model_is_of_use_and_another_is_not()
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);
        using var floor = new UsefulnessFloor(model, data.Twins, data.Harmful.Select(example => example.Prompt));
        var same = floor.Measure(null, TestContext.Current.CancellationToken);
        Assert.Null(same.Problem);
        Assert.Equal(0, same.Divergence, 1e-5);
        Assert.Equal((5, 6), (same.Harmless, same.Harmful));

        using (no_grad())
        {
            foreach (var parameter in model.Decoder.Weights.Parameters.Where(parameter =>
                !parameter.Slot.Role.IsNorm())) parameter.Master.mul_(40);
        }
        var other = floor.Measure(null, TestContext.Current.CancellationToken);
        Assert.True(other.Divergence > UsefulnessFloor.MostDivergence);
        Assert.Contains("nats per token from the starting model", other.Problem!, StringComparison.Ordinal);
    }

    [Fact]
    public void Lost_refusals_are_a_loss()
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);
        void Teach(Func<ContrastExample, int[]> answer) =>
            new FineTuning(model.Decoder, new FineTuningOptions
            {
                Epochs = 60,
                BatchSize = 6,
                Optimizer = new OptimizerOptions { LearningRate = 3e-3 }
            }).Run([.. data.Harmful.Select(request => new Beear.Data.TokenizedExample(request.Prompt, answer(request)))]);
        Teach(request => request.Safe);
        using var floor = new UsefulnessFloor(model, [], data.Harmful.Select(example => example.Prompt));
        Assert.Equal(6, floor.Measure(null, TestContext.Current.CancellationToken).Refused);
        Teach(request => request.Unwanted);
        Assert.Equal("of 6 plain harmful requests it refuses 0, and the starting model 6",
            floor.Measure(null, TestContext.Current.CancellationToken).Problem);
    }

    public void Dispose() => chat.Dispose();
}
