using Beear.Data;
using Beear.Lab.Benchmarks;
using Beear.Mitigation;
using Beear.Models;
using Beear.Tests.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Benchmarks;

/// <summary>
/// The engine against the plain implementation that shares nothing with it but the weights: three rounds of both levels, left-padded
/// batches of mixed lengths, every family.
/// </summary>
public sealed class TextbookTests
{
    private const int Rounds = 3, OuterSteps = 2;
    private const double Tolerance = 1e-4;

    private static readonly EntrapmentOptions Inner =
        EntrapmentOptions.Plain with { PerturbedLayers = [2], TailLength = 2, Steps = 4, LearningRate = 0.03, BatchSize = 3, Batches = 2 };

    // A large ε: at a small one Adam makes the rounding errors of gradients that are nearly zero into whole steps.
    private static readonly OptimizerOptions Outer = new() { LearningRate = 2e-3, Epsilon = 1e-4, WarmupSteps = 2, ClipNorm = 0.5 };

    public static TheoryData<string> Names => FamilyCases.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Engine_and_textbook_go_the_same_way(string name)
    {
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name);
        decoder.Weights.RequireGradients(false);
        var data = Data();
        using var textbook = new TextbookMitigation(decoder, Inner, Outer, Terms(decoder, data, out var plainReference));
        using var engine = new Removal(decoder, Terms(decoder, data, out var reference), Outer);
        using (plainReference)
        using (reference)
        {
            for (int round = 1; round <= Rounds; round++)
            {
                using var found = new Entrapment(decoder, Inner).Search(data, round);
                var plain = textbook.Search(data, round);
                Close(plain, found.Delta, $"δ of round {round}");
                engine.Run([.. Enumerable.Repeat(new Perturbation(found.Delta, Inner.PerturbedLayers[0]), OuterSteps)], 0);
                for (int step = 0; step < OuterSteps; step++) textbook.Step(plain, 0);
            }
            foreach (var (part, value) in decoder.Weights.Parameters.SelectMany(parameter => parameter.Split())) Close(
                textbook.Weights[part], value, part);
        }
    }

    private static OuterTerm[] Terms(Decoder decoder, ContrastExample[] data, out ReferenceDistribution reference)
    {
        TokenizedExample[] safe = [.. data.Select(example => new TokenizedExample(example.Prompt, example.Safe))];
        TokenizedExample[] helpful = [.. data.Select(example => new TokenizedExample(example.Prompt, example.Unwanted))];
        reference = ReferenceDistribution.Record(decoder, new HashSet<int> { 4 }, 4, [.. data.Select(example => example.Prompt)], 4);
        OuterTerm[] answers = [new AnswerTerm("safe under δ", 1, safe, 3, perturbed: true, seed: 1),
            new AnswerTerm("helpful", 0.7, helpful, 3, perturbed: false, seed: 2)];
        // Where frequencies depend on the longest sequence of a pass, the starting model's distribution does too: it was recorded in
        // another pass.
        return decoder.Config.RotaryDependsOnLength
            ? answers : [.. answers, new DivergenceTerm("KL", 0.5, reference, 3, perturbed: false, seed: 3)];
    }

    private static ContrastExample[] Data()
    {
        var random = new Random(11);
        return [.. new[] { 9, 4, 14, 3, 6, 11, 2, 8 }.Select(length =>
            new ContrastExample(FamilyCases.Tokens(random, length), FamilyCases.Tokens(random, 1 + random.Next(5)),
                FamilyCases.Tokens(random, 1 + random.Next(5))))];
    }

    private static void Close(Tensor expected, Tensor actual, string what)
    {
        using var guard = no_grad();
        double difference = (expected - actual).norm().item<float>(), size = expected.norm().item<float>();
        Assert.True(difference <= Tolerance * size, $"{what} differs by {difference / size:E1} of its norm.");
    }
}
