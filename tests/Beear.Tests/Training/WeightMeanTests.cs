using Beear.Data;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Training;

/// <summary>The mean of weights over steps, and the removal that ends in it.</summary>
public sealed class WeightMeanTests
{
    [Fact]
    public void The_mean_and_the_weights_change_places()
    {
        using var guard = no_grad();
        using var decoder = TinyDecoder.Create(options: TestDevice.Mixed);
        var start = TinyDecoder.Weights(decoder);
        using var mean = new WeightMean(decoder.Weights.Parameters);
        mean.Add();
        mean.Clear();                                                      // that one does not count
        foreach (int times in new[] { 1, 2, 6 })
        {
            decoder.Weights.Restore(i => Start(decoder, start, i) * times);
            mean.Add();
        }

        mean.Exchange();
        Close(start.Select(value => 3 * value), TinyDecoder.Weights(decoder));
        Assert.All(decoder.Weights.Parameters, parameter =>
            Assert.Equal(0, (parameter.Compute - parameter.Master.to(parameter.Compute.dtype)).abs().max().to(float32).item<float>()));
        mean.Exchange();
        Close(start.Select(value => 6 * value), TinyDecoder.Weights(decoder));
    }

    [Fact]
    public void In_bfloat16_every_weight_is_one_of_the_steps_and_their_mean_is_exact()
    {
        using var guard = no_grad();
        using var decoder = TinyDecoder.Create(options: TestDevice.Compact);
        var matrices = decoder.Weights.Parameters.Where(parameter => parameter.Master.dtype == ScalarType.BFloat16).ToList();
        Assert.NotEmpty(matrices);
        using var mean = new WeightMean(matrices);
        // One digit of bfloat16 apart: rounding their mean to nearest would give 1 everywhere.
        foreach (double value in new[] { 1, 1, 1 + 1.0 / 128, 1 })
        {
            foreach (var parameter in matrices) parameter.Master.fill_(value);
            mean.Add();
        }
        mean.Exchange();

        using var all = cat([.. matrices.Select(parameter => parameter.Master.to(float32).flatten())]);
        Assert.Equal(2, all.unique().output.size(0));
        double share = (all > 1).to(float32).mean().item<float>(), deviation = Math.Sqrt(0.25 * 0.75 / all.size(0));
        Assert.InRange(share, 0.25 - 4 * deviation, 0.25 + 4 * deviation);
    }

    [Fact]
    public void A_removal_ends_in_the_mean_of_its_last_steps_and_goes_on_from_the_last()
    {
        using var plain = TinyDecoder.Create();
        using var averaged = TinyDecoder.Create();
        using var steps = Removal(plain, 0);
        using var rounds = Removal(averaged, 0.67);
        var path = new List<float[]>();
        for (int i = 0; i < 6; i++)
        {
            steps.Run([null], 6);
            path.Add(TinyDecoder.Weights(plain));
        }
        rounds.GoOn();
        rounds.Run([null, null, null], 6);
        var mean = path[1].Zip(path[2], (first, second) => (first + second) / 2);
        Close(mean, TinyDecoder.Weights(averaged));
        rounds.GoOn();
        rounds.GoOn();
        Close(path[2], TinyDecoder.Weights(averaged));
        rounds.Exchange();
        Close(mean, TinyDecoder.Weights(averaged));
        rounds.Run([null], 6);
        Close(path[3], TinyDecoder.Weights(averaged));                      // of one step the mean is its own
        rounds.Run([null, null], 6);
        Close(path[5], TinyDecoder.Weights(averaged));
    }

    private static Removal Removal(Decoder decoder, double averagedShare)
    {
        decoder.Weights.RequireGradients(false);
        var random = new Random(3);
        TokenizedExample[] examples = [.. Enumerable.Range(0, 8)
            .Select(_ => new TokenizedExample(TinyDecoder.Tokens(random, 5), TinyDecoder.Tokens(random, 3)))];
        return new Removal(decoder, [new AnswerTerm("safe", 1, examples, 3, perturbed: false, seed: 1)],
            new OptimizerOptions { LearningRate = 1e-2 }, averagedShare: averagedShare);
    }

    private static Tensor Start(Decoder decoder, float[] weights, int index)
    {
        var sizes = decoder.Weights.Parameters.Select(parameter => parameter.Master.numel()).ToList();
        return tensor(weights).narrow(0, sizes.Take(index).Sum(),
            sizes[index]).view(decoder.Weights.Parameters[index].Master.shape).to(TestDevice.Device);
    }

    private static void Close(IEnumerable<float> expected, float[] actual)
    {
        double largest = expected.Zip(actual, (first, second) => Math.Abs(first - second) / (1 + Math.Abs(first))).Max();
        Assert.True(largest < 1e-6, $"Weights differ by {largest:E1}.");
    }
}
