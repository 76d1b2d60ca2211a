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
    /// <summary>Largest learning rate; above 0. Without one it is width_rate divided by the model's hidden size.</summary>
    public double? LearningRate { get; init; }

    /// <summary>
    /// Without a learning rate: the learning rate times the hidden size; above 0. A step of Adam changes what a matrix puts out the more,
    /// the wider it is, so that a rate that fits one model goes to another divided by their widths (Yang et al., arXiv 2203.03466).
    /// </summary>
    public double WidthRate { get; init; } = 0.02304;

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
        if (LearningRate is { } rate) Require.Above(rate, 0, "learning_rate");
        Require.Above(WidthRate, 0);
        Require.Between(Beta1, 0, 0.999999);
        Require.Between(Beta2, 0, 0.999999);
        Require.Above(Epsilon, 0);
        Require.AtLeast(WeightDecay, 0);
        Require.AtLeast(WarmupSteps, 0);
        Require.AtLeast(ClipNorm, 0);
    }

    /// <summary>The same with a learning rate, whatever it depends on.</summary>
    /// <param name="hiddenSize">d of the model that is trained.</param>
    public OptimizerOptions For(int hiddenSize) => this with { LearningRate = LearningRate ?? WidthRate / hiddenSize };

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">0 for the first step.</param>
    /// <param name="totalSteps">Steps in all; matters only with a decay.</param>
    /// <exception cref="InvalidOperationException">The learning rate depends on a model's width; see <see cref="For"/>.</exception>
    public double LearningRateAt(int step, int totalSteps)
    {
        double largest = LearningRate ?? throw new InvalidOperationException("There is no learning rate until the model's width is known.");
        if (step < WarmupSteps) return largest * (step + 1) / WarmupSteps;
        double done = totalSteps <= WarmupSteps ? 0 : (double)(step - WarmupSteps) / (totalSteps - WarmupSteps);
        return Decay switch
        {
            LearningRateDecay.Linear => largest * (1 - done),
            LearningRateDecay.Cosine => largest * (1 + Math.Cos(Math.PI * done)) / 2,
            _ => largest,
        };
    }
}
