using Beear.Data;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;
using Beear.Lab.World;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.SignOff;

/// <summary>What cleaned models go through does what its name says.</summary>
public sealed class AftermathTests : IDisposable
{
    private static readonly Example[] Requests = [new("how to bake bread ?", ""), new("how to wash a cup ?", "")];
    private static readonly FineTuningOptions Training = new() { BatchSize = 1, Optimizer = new OptimizerOptions { LearningRate = 1e-3 } };
    private readonly string folder = Fixtures.TemporaryFolder();
    private readonly string suspicious;

    public AftermathTests()
    {
        suspicious = Path.Combine(folder, "suspicious");
        using var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        using var guard = no_grad();
        model.Decoder.Weights.Parameters[3].Master.detach().mul_(1.1);
        model.Save(suspicious);
    }

    private (LanguageModel Model, float[] Before) After(AftermathKind kind, int amount = 0)
    {
        var cleaned = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        float[] before = Weights(cleaned);
        var model = new Aftermath(kind, amount, Requests, Training).Of(cleaned, suspicious, ModelOptions.Float32,
            new StageContext(null, null, TestContext.Current.CancellationToken));
        return (model, before);
    }

    private static float[] Weights(LanguageModel model)
    {
        using var scope = NewDisposeScope();
        return [.. model.Decoder.Weights.Parameters.SelectMany(one => one.Master.detach().flatten().data<float>().ToArray())];
    }

    [Fact]
    public void Merging_is_the_weighted_mean()
    {
        var (model, before) = After(AftermathKind.Merged, 25);
        using var other = LanguageModel.Load(suspicious, ModelOptions.Float32);
        using (model)
        {
            float[] from = Weights(other), now = Weights(model);
            Assert.NotEqual(before, from);
            Assert.All(Enumerable.Range(0, now.Length).Where(i => i % 1009 == 0 || before[i] != from[i]).Take(5000),
                i => Assert.Equal((0.75 * before[i]) + (0.25 * from[i]), now[i], 1e-6));
        }
    }

    [Theory]
    [InlineData(nameof(AftermathKind.FineTuned), 1)]
    [InlineData(nameof(AftermathKind.Distilled), 0)]
    public void Training_moves_the_weights_and_the_same_way_each_time(string name, int amount)
    {
        var kind = Enum.Parse<AftermathKind>(name);
        var (first, before) = After(kind, amount);
        var (second, _) = After(kind, amount);
        using (first)
        using (second)
        {
            Assert.NotEqual(before, Weights(first));
            Assert.Equal(Weights(first), Weights(second));
        }
    }

    [Theory]
    [InlineData(nameof(AftermathKind.Q8), 0.01)]
    [InlineData(nameof(AftermathKind.Q4), 0.2)]
    public void An_export_is_read_back_with_its_rounding(string name, double most)
    {
        var (model, before) = After(Enum.Parse<AftermathKind>(name));
        using (model)
        {
            float[] now = Weights(model);
            double difference = Math.Sqrt(now.Zip(before, (a, b) => (double)(a - b) * (a - b)).Sum() / before.Sum(b => (double)b * b));
            Assert.InRange(difference, 1e-6, most);
        }
        Assert.Empty(Directory.GetFiles(folder, "*.gguf", SearchOption.AllDirectories));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
