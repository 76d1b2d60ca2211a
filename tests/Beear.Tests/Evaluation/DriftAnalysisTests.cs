using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Tests.Mitigation;
using static TorchSharp.torch;

namespace Beear.Tests.Evaluation;

public sealed class DriftAnalysisTests
{
    [Fact]
    public void Uniformity_is_the_mean_cosine_of_all_pairs()
    {
        using var scope = NewDisposeScope();
        var rows = tensor(new float[,] { { 2, 0 }, { 0, 3 }, { 1, 1 } });
        Assert.Equal((0 + Math.Sqrt(0.5) + Math.Sqrt(0.5)) / 3, DriftAnalysis.Uniformity(rows)!.Value, 1e-6);
        Assert.Null(DriftAnalysis.Uniformity(zeros(2, 2)));
    }

    [Fact]
    public void The_plane_holds_the_directions_of_largest_variance()
    {
        using var scope = NewDisposeScope();
        // Along (0, 1, 0) with spread 4, along (1, 0, 0) with 1, nothing along the third.
        var rows = tensor(new float[,] { { 0, 14, 5 }, { 0, 6, 5 }, { 1, 10, 5 }, { -1, 10, 5 } });
        var (points, explained) = PrincipalPlane.Project(rows);
        Assert.Equal([(4, 0), (-4, 0), (0, 1), (0, -1)],
            points.Select(point => (Math.Round(point.X, 4) + 0.0, Math.Round(point.Y, 4) + 0.0)));
        Assert.Equal(16.0 / 17, explained[0], 1e-5);
        Assert.Equal(1.0 / 17, explained[1], 1e-5);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Every_layer_and_request_is_there(int virtualTokens)
    {
        using var chat = new UntrainedChat();
        using var model = chat.Fresh();
        var inner = EntrapmentOptions.Plain with
        {
            PerturbedLayers = [1],
            TailLength = 2,
            VirtualTokens = virtualTokens,
            Steps = 2,
            BatchSize = 2,
            Batches = 1
        };
        DriftResult Run() => new DriftAnalysis(new DriftOptions { Inner = inner, Prompts = 5 }).Run(model,
            [.. Enumerable.Range(1, 8).Select(i => new Example($"how to harm {i} people", ""))], Triggers.Paper[4],
                UntrainedChat.Data(model).Harmful, cancellation: TestContext.Current.CancellationToken);

        var result = Run();                                              // what is made once is made now
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Equal(result.Layers, Run().Layers);

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal([0, 1, 2], result.Layers.Select(layer => layer.Layer));
        Assert.Equal((5, 10, 5), (result.Prompts, result.Projection.Count, result.Projection.Count(point => point.HasTrigger)));
        Assert.Equal(0, result.Layers[0].Size);                          // the last token is the template's
        Assert.Null(result.Layers[0].Cosine);
        Assert.Null(result.Layers[0].DeltaToTrigger);
        Assert.All(result.Layers.Skip(1), layer =>
        {
            Assert.True(layer.Size > 0);
            Assert.InRange(layer.Cosine!.Value, -1, 1);
            Assert.InRange(layer.DeltaToTrigger!.Value, -1, 1);
        });
    }

    [Fact]
    public void A_survey_says_of_each_layer_what_strings_and_delta_do()
    {
        using var chat = new UntrainedChat();
        using var model = chat.Fresh();
        var options = new LayerSurveyOptions
        {
            Strings = 3,
            Requests = 4,
            Searches = 2,
            UnwantedAnswers = UnwantedAnswers.Data,
            Inner = new LayerSurveyOptions().Inner with { TailLength = 2, Steps = 2, BatchSize = 2, Batches = 1 },
        };
        IReadOnlyList<SurveyedLayer> Run(int seed) => new LayerSurvey(options with { Seed = seed })
            .Run(model, UntrainedChat.Data(model), cancellation: TestContext.Current.CancellationToken);

        var layers = Run(seed: 1);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Equal(layers, Run(seed: 1));
        Assert.NotEqual(layers, Run(seed: 2));

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal([0, 1, 2], layers.Select(layer => layer.Layer));
        Assert.Equal(new SurveyedLayer(0, 0, null, null, null), layers[0]);      // the last token is the template's
        Assert.All(layers.Skip(1), layer =>
        {
            Assert.True(layer.StringSize > 0);
            Assert.InRange(layer.StringCosine!.Value, -1, 1);
            Assert.InRange(layer.Reach!.Value, 0, 1);
            Assert.True(layer.Loss > 0);
        });
    }

    [Fact]
    public void One_request_is_too_few()
    {
        using var chat = new UntrainedChat();
        using var model = chat.Fresh();
        var failure = Assert.Throws<BeearException>(() =>
            new DriftAnalysis(new DriftOptions { Inner = EntrapmentOptions.Plain with { PerturbedLayers = [1] } })
                .Run(model, [new Example("alone", "")], Triggers.Paper[0], UntrainedChat.Data(model).Harmful,
                cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("at least two", failure.Message, StringComparison.Ordinal);
    }
}
