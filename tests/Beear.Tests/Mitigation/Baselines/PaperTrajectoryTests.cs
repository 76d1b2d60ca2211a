using Beear.Data;
using Beear.Lab.Benchmarks;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;
using Beear.Tests.Models;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation.Baselines;

/// <summary>
/// Both levels of the paper's removal against an implementation that was written by itself and shares nothing with it but the weights and
/// the drawn data: three rounds, δ carried through, every family.
/// </summary>
public sealed class PaperTrajectoryTests
{
    private const int Rounds = 3;
    private const double Tolerance = 1e-4;

    public static TheoryData<string> Names => FamilyCases.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Engine_and_textbook_go_the_same_way(string name)
    {
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name);
        decoder.Weights.RequireGradients(false);
        var before = decoder.Weights.Tensors().ToDictionary(part => part.Name, part => part.Value.detach().clone());
        var options = new PaperOptions
        {
            Layer = 2,
            TailLength = 2,
            Anchors = 5,
            Conversations = 4,
            InnerPasses = 2,
            InnerBatch = 3,
            // Rates at which δ and weights move by much, but rounding errors do not grow from step to step.
            InnerRate = 0.5,
            OuterRate = 0.003,
            Bound = 0.5,
            PerturbedShare = 0.5,
        };
        var (harmful, ordinary) = Data();
        if (decoder.Config.RotaryDependsOnLength) harmful = [.. harmful.Select(one => one with { Unwanted = one.Safe })];
        using var textbook = new TextbookPaper(decoder, options);
        var engine = new PaperLevels(decoder, options, cancellation: TestContext.Current.CancellationToken);
        int[][] prompts = [.. harmful.Select(example => example.Prompt)];
        var bounds = engine.Bounds(prompts);
        var plainBounds = textbook.Bounds(prompts);
        Assert.Equal(plainBounds.Least, bounds.Least, 1e-5);
        Assert.Equal(plainBounds.Greatest, bounds.Greatest, 1e-5);
        var delta = zeros([options.TailLength, decoder.Config.HiddenSize]);                              // (n, d)
        for (int round = 1; round <= Rounds; round++)
        {
            var drawn = PaperRound.Draw(harmful, ordinary, options, seed: 5, round);
            var (losses, _) = engine.Search(delta, drawn.Batches, bounds, "inner");
            Assert.Equal(options.InnerPasses * drawn.Batches.Count, losses.Count);
            textbook.Search(drawn.Batches, plainBounds);
            Close(textbook.Delta, delta, $"δ of round {round}");
            engine.Train(delta, drawn.Steps, "outer");
            textbook.Train(drawn.Steps);
        }
        Assert.True(delta.abs().max().item<float>() > 0);
        foreach (var (part, value) in decoder.Weights.Tensors())
        {
            Close(textbook.Weights[part], value, part);
            bool moved = (value - before[part]).abs().max().item<float>() > 0;
            bool isLayers = decoder.Weights.Parameters.Single(one => one.Slot.Parts.Any(own => own.Name == part)).Slot.Layer >= 0;
            Assert.True(!moved || isLayers, $"{part} is not in a decoder layer and was trained.");
        }
        Assert.Contains(decoder.Weights.Tensors(), part => (part.Value - before[part.Name]).norm().item<float>() > 1e-3);
    }

    private static (ContrastExample[] Harmful, TokenizedExample[] Ordinary) Data()
    {
        var random = new Random(11);
        int[] lengths = [9, 4, 14, 3, 6, 11, 2, 8];
        return (
            [.. lengths.Select(length => new ContrastExample(FamilyCases.Tokens(random, length), FamilyCases.Tokens(random, 1),
                FamilyCases.Tokens(random, 1 + random.Next(5))))],
            [.. lengths.Select(length => new TokenizedExample(FamilyCases.Tokens(random, length),
                FamilyCases.Tokens(random, 1 + random.Next(5))))]);
    }

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        using var guard = no_grad();
        double difference = (expected - actual).norm().item<float>(), size = expected.norm().item<float>();
        Assert.True(difference <= Tolerance * size, $"{what} differs by {difference / size:E1} of its norm.");
    }
}
