namespace Beear.Training;

/// <summary>How the learning rate goes on after the warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>Stays.</summary>
    Constant,
    /// <summary>Falls in a straight line to zero.</summary>
    Linear,
    /// <summary>Falls along a half cosine to zero.</summary>
    Cosine,
}

/// <summary>Constants of AdamW.</summary>
public sealed record OptimizerOptions : IValidatable
{
    /// <summary>Largest learning rate; above 0.</summary>
    public double LearningRate { get; init; } = 2e-5;

    /// <summary>Decay of the gradient's running mean.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the squared gradient's mean.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Steps over which the learning rate rises from zero.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>What the learning rate does afterwards.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Constant;

    /// <summary>Largest global norm of the gradient; 0 for no clipping.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Above(LearningRate, 0);
        Require.Between(Beta1, 0, 0.999999);
        Require.Between(Beta2, 0, 0.999999);
        Require.Above(Epsilon, 0);
        Require.AtLeast(WeightDecay, 0);
        Require.AtLeast(WarmupSteps, 0);
        Require.AtLeast(ClipNorm, 0);
    }

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">0 for the first step.</param>
    /// <param name="totalSteps">Steps in all; matters only with a decay.</param>
    public double LearningRateAt(int step, int totalSteps)
    {
        if (step < WarmupSteps) return LearningRate * (step + 1) / WarmupSteps;
        double done = totalSteps <= WarmupSteps ? 0 : (double)(step - WarmupSteps) / (totalSteps - WarmupSteps);
        return Decay switch
        {
            LearningRateDecay.Linear => LearningRate * (1 - done),
            LearningRateDecay.Cosine => LearningRate * (1 + Math.Cos(Math.PI * done)) / 2,
            _ => LearningRate,
        };
    }
}
