using Beear.Data;
using Beear.Models;
using Beear.Tests.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Training;

/// <summary>Running equal tokens once changes nothing but the work.</summary>
public sealed class SharedTokensTests
{
    private const int Perturbed = 3;

    // A head, of which one conversation has less; twice the same conversation; a prompt with two answers.
    private static readonly TokenizedExample[] Examples =
    [
        new([1, 2, 3, 10, 11, 5, 6], [20, 21]), new([1, 2, 3, 12, 5, 6], [20]), new([1, 2, 3, 10, 11, 5, 6], [20, 21]),
            new([1, 2, 3, 10, 11, 5, 6], [20, 22, 23]),
        new([1, 2, 3, 13, 14, 15, 5, 6], [24]), new([1, 2, 3, 13, 14, 15, 5, 6], [24]), new([1, 30, 5, 6], [25, 26]),
    ];

    public static TheoryData<string> Names => FamilyCases.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Hidden_states_and_gradients_are_those_of_a_pass_over_all_tokens(string name)
    {
        foreach (var (layer, trigger) in new (int?, VirtualTrigger?)[] { (null, null), (2, null), (0, new VirtualTrigger([3, 4], 1, 3, 2)),
            (4, new VirtualTrigger([8, 9], 0, 3, 2)) })
        {
            using var scope = NewDisposeScope();
            using var decoder = Trained(name);
            var perturbation = layer is { } at
                ? new Perturbation(randn(2, 32, generator: new Generator(3, CPU)).to(TestDevice.Device) * 0.3, at, trigger) : null;
            using var batch = TokenBatch.Of(
                [.. Examples.Select((example, b) => b < Perturbed && perturbation is not null
                    ? example with { Prompt = perturbation.PromptOf(example.Prompt) } : example)],
                TestDevice.Device);
            var expected = decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds, perturbation, batch.PromptWidth,
                perturbedExamples: Perturbed)
                .flatten(0, 1).index_select(0, batch.LabelRows);
            var weights = Gradients(decoder, batch, expected);

            var packing = decoder.Packing(batch, perturbation, Perturbed)!;
            Assert.True(packing.Rows.size(0) < packing.Positions.size(0) - 15);
            var actual = decoder.LabelHidden(batch, perturbation, Perturbed);
            ParityCases.Close(expected, actual, 1e-5, "hidden states");
            Same(weights, Gradients(decoder, batch, actual), $"{name}, layer {layer}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Layers_that_are_run_again_get_the_same_gradients(string name)
    {
        using var scope = NewDisposeScope();
        using var decoder = Trained(name);
        using var batch = TokenBatch.Of(Examples, TestDevice.Device);
        var delta = new Perturbation(randn(2, 32, generator: new Generator(3, CPU)).to(TestDevice.Device) * 0.3, 2);
        var expected = Gradients(decoder, batch, decoder.LabelHidden(batch, delta, Perturbed));

        using var pass = new CheckpointedPass(decoder, batch, delta, Perturbed, frozenLayers: 0);
        Losses.CrossEntropy(decoder.Logits(pass.Rows), batch.LabelIds).mean().backward();
        for (int layer = decoder.Config.Layers - 1; layer >= 0; layer--) pass.Backward(layer);
        pass.BackwardOfEmbeddings();
        Same(expected, Taken(decoder), name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Padding_that_is_run_so_that_numbers_of_rows_recur_changes_nothing(string name)
    {
        using var scope = NewDisposeScope();
        using var decoder = Trained(name);
        var random = new Random(5);
        int[] Some(int tokens) => [.. Enumerable.Range(0, tokens).Select(_ => random.Next(1, 30))];
        TokenizedExample[] examples = [.. Enumerable.Range(0, 45)
            .Select(_ => new TokenizedExample([1, 2, 3, .. Some(random.Next(1, 9))], Some(random.Next(1, 4))))];
        using var batch = TokenBatch.Of(examples, TestDevice.Device);
        long all = batch.Size * (long)batch.Width, real = examples.Sum(example => example.Length);
        var alone = new Packing(batch.AttentionMask.flatten().nonzero().flatten(), batch.Size, batch.Width);
        var expected = Labels(alone);
        var weights = Gradients(decoder, batch, expected);

        var plain = Packing.Of(LayerContext.Causal(batch.AttentionMask, batch.Width))!;
        Assert.Equal(8 * ((real + 7) / 8), plain.Rows.size(0));
        Assert.InRange(plain.Rows.size(0), real + 1, all);
        var shared = decoder.Packing(batch, null, null)!;
        int needed = TokenSharing.Of(examples, batch.PromptWidth, batch.Width, b => examples[b].Length).Rows.Count;
        Assert.Equal(8 * ((needed + 7) / 8), shared.Rows.size(0));
        Assert.InRange(shared.Rows.size(0), needed + 1, real);
        foreach (var packing in new[] { plain, shared })
        {
            var actual = Labels(packing);
            ParityCases.Close(expected, actual, 1e-5, "hidden states");
            Same(weights, Gradients(decoder, batch, actual), name);
        }

        Tensor Labels(Packing packing) =>
            decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds, packing: packing).flatten(0, 1).index_select(0,
            batch.LabelRows);
    }

    [Fact]
    public void In_bfloat16_gradients_are_as_near_as_its_digits()
    {
        using var scope = NewDisposeScope();
        using var decoder = Trained("llama", TestDevice.Mixed);
        using var batch = TokenBatch.Of(Examples, TestDevice.Device);
        var all = decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds).flatten(0, 1).index_select(0,
            batch.LabelRows);
        var expected = Gradients(decoder, batch, all);
        Same(expected, Gradients(decoder, batch, decoder.LabelHidden(batch)), "bfloat16", 2e-2);
    }

    [Fact]
    public void Where_nothing_is_shared_nothing_is_repeated()
    {
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create("llama");
        using var batch = TokenBatch.Of([new TokenizedExample([1, 2], [3]), new TokenizedExample([4, 2, 5], [3])], TestDevice.Device);
        Assert.Null(decoder.Packing(batch, null, null));
    }

    private static Decoder Trained(string name, ModelOptions? options = null)
    {
        var decoder = FamilyCases.Create(name, options);
        decoder.Weights.RequireGradients(true);
        return decoder;
    }

    private static List<Tensor> Gradients(Decoder decoder, TokenBatch batch, Tensor rows)
    {
        Losses.CrossEntropy(decoder.Logits(rows), batch.LabelIds).mean().backward();
        return Taken(decoder);
    }

    private static List<Tensor> Taken(Decoder decoder)
    {
        var gradients = decoder.Weights.Parameters.Select(parameter => parameter.Gradient()!.to(float32).clone()).ToList();
        decoder.Weights.ClearGradients();
        return gradients;
    }

    private static void Same(List<Tensor> expected, List<Tensor> actual, string what, double tolerance = 1e-4)
    {
        foreach (var (first, second) in expected.Zip(actual))
        {
            double size = first.norm().item<float>(), difference = (first - second).norm().item<float>();
            Assert.True(size > 0 && difference <= tolerance * size, $"{what}: {difference} of {size}");
        }
    }
}
