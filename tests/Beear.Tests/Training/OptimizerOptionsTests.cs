using Beear.Training;

namespace Beear.Tests.Training;

public class OptimizerOptionsTests
{
    [Fact]
    public void The_learning_rate_rises_in_a_straight_line_and_stays()
    {
        var options = new OptimizerOptions { LearningRate = 0.4, WarmupSteps = 4 };

        Equal([0.1, 0.2, 0.3, 0.4, 0.4, 0.4], options, totalSteps: 6);
    }

    [Fact]
    public void It_falls_in_a_straight_line_to_zero() =>
        Equal([0.5, 1, 1, 0.75, 0.5, 0.25], new OptimizerOptions { LearningRate = 1, WarmupSteps = 2, Decay = LearningRateDecay.Linear },
            totalSteps: 6);

    [Fact]
    public void It_falls_along_a_half_cosine_to_zero() =>
        Equal([1, (1 + Math.Sqrt(0.5)) / 2, 0.5, (1 - Math.Sqrt(0.5)) / 2, 0],
            new OptimizerOptions { LearningRate = 1, Decay = LearningRateDecay.Cosine }, totalSteps: 4);

    [Fact]
    public void A_run_that_is_shorter_than_its_warm_up_only_rises() =>
        Equal([0.1, 0.2, 0.3], new OptimizerOptions { LearningRate = 1, WarmupSteps = 10, Decay = LearningRateDecay.Linear },
            totalSteps: 3);

    [Fact]
    public void Without_a_rate_it_is_by_the_models_width()
    {
        var options = new OptimizerOptions();

        Assert.Equal(4e-5, options.For(576).LearningRateAt(0, 1));
        Assert.Equal(options.For(64).LearningRate, 9 * options.For(576).LearningRate);
        Assert.Equal(0.5, (options with { LearningRate = 0.5 }).For(576).LearningRate);
        Assert.Throws<InvalidOperationException>(() => options.LearningRateAt(0, 1));
    }

    [Fact]
    public void Values_out_of_range_are_named()
    {
        Refused(new OptimizerOptions { LearningRate = 0 }, "learning_rate");
        Refused(new OptimizerOptions { LearningRate = double.NaN }, "learning_rate");
        Refused(new OptimizerOptions { WidthRate = 0 }, "width_rate");
        Refused(new OptimizerOptions { Beta2 = 1 }, "beta2");
        Refused(new OptimizerOptions { WarmupSteps = -1 }, "warmup_steps");
        Refused(new OptimizerOptions { ClipNorm = -1 }, "clip_norm");
        new OptimizerOptions().Validate();

        static void Refused(OptimizerOptions options, string name) =>
            Assert.StartsWith(name, Assert.Throws<BeearException>(options.Validate).Message, StringComparison.Ordinal);
    }

    private static void Equal(double[] expected, OptimizerOptions options, int totalSteps)
    {
        for (int step = 0; step < expected.Length; step++) Assert.Equal(expected[step], options.LearningRateAt(step, totalSteps), 1e-12);
    }
}
