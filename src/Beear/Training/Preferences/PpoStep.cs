namespace Beear.Training.Preferences;

/// <summary>One batch of answers and the updates on it: a line of the metrics. Figures of several updates are their means.</summary>
internal sealed record PpoStep
{
    /// <summary>What the run calls this work.</summary>
    public required string Stage { get; init; }

    /// <summary>1 for the first.</summary>
    public required int Step { get; init; }

    /// <summary>Mean score of the answers, not clipped.</summary>
    public required double Reward { get; init; }

    /// <summary>Mean Σ (log π − log π_ref) of an answer: an estimate of the divergence from the reference, in nats.</summary>
    public required double Kl { get; init; }

    /// <summary>Mean entropy of a token's distribution, in nats.</summary>
    public required double Entropy { get; init; }

    /// <summary>Share of the tokens whose ratio lay beyond the clip.</summary>
    public required double RatioClipped { get; init; }

    /// <summary>Share of the tokens whose value lay beyond the clip.</summary>
    public required double ValueClipped { get; init; }

    /// <summary>Share of the returns' variance that the critic explained before it learnt from them.</summary>
    public required double ExplainedVariance { get; init; }

    /// <summary>Mean length of the answers, in tokens.</summary>
    public required double AnswerTokens { get; init; }

    /// <summary>Share of the answers that ended in time.</summary>
    public required double Ended { get; init; }

    /// <summary>The policy's loss.</summary>
    public required double PolicyLoss { get; init; }

    /// <summary>The critic's loss.</summary>
    public required double ValueLoss { get; init; }

    /// <summary>Cross-entropy of helpful answers.</summary>
    public required double SupervisedLoss { get; init; }

    /// <summary>Norm of the policy's gradient, before clipping.</summary>
    public required double PolicyGradientNorm { get; init; }

    /// <summary>Norm of the critic's gradient, before clipping.</summary>
    public required double CriticGradientNorm { get; init; }

    /// <summary>The policy's learning rate at the last update.</summary>
    public required double PolicyLearningRate { get; init; }

    /// <summary>The critic's learning rate at the last update.</summary>
    public required double CriticLearningRate { get; init; }

    /// <summary>Seconds in which the answers were written.</summary>
    public required double GenerationSeconds { get; init; }

    /// <summary>Seconds of everything else.</summary>
    public required double LearningSeconds { get; init; }

    /// <summary>Share of the time in which answers were written.</summary>
    public double GenerationShare => GenerationSeconds / (GenerationSeconds + LearningSeconds);

    /// <summary>Mean divergence from the reference for each token of an answer, in nats.</summary>
    public double KlPerToken => Kl / AnswerTokens;

    /// <summary>Sums a batch up.</summary>
    /// <param name="stage">What the run calls this work.</param>
    /// <param name="step">1 for the first.</param>
    /// <param name="rollouts">The answers.</param>
    /// <param name="batch">What was found.</param>
    /// <param name="generation">Time in which the answers were written.</param>
    /// <param name="learning">Time of everything else.</param>
    public static PpoStep Of(string stage, int step, IReadOnlyList<Rollout> rollouts, PpoBatch batch, TimeSpan generation,
        TimeSpan learning)
    {
        var (answers, updates) = (batch.Answers, batch.Updates);
        return new PpoStep
        {
            Stage = stage,
            Step = step,
            Reward = answers.Average(answer => answer.Score),
            Kl = answers.Average(answer => answer.Divergence),
            Entropy = updates.Average(update => update.Entropy),
            RatioClipped = updates.Average(update => update.RatioClipped),
            ValueClipped = updates.Average(update => update.ValueClipped),
            ExplainedVariance = PpoLosses.ExplainedVariance([.. answers.SelectMany(answer => answer.Returns)],
                [.. answers.SelectMany(answer => answer.Values)]),
            AnswerTokens = rollouts.Average(rollout => rollout.Example.Answer.Length),
            Ended = rollouts.Average(rollout => rollout.Ended ? 1.0 : 0),
            PolicyLoss = updates.Average(update => update.PolicyLoss),
            ValueLoss = updates.Average(update => update.ValueLoss),
            SupervisedLoss = updates.Average(update => update.SupervisedLoss),
            PolicyGradientNorm = updates.Average(update => update.PolicyGradientNorm),
            CriticGradientNorm = updates.Average(update => update.CriticGradientNorm),
            PolicyLearningRate = updates[^1].PolicyLearningRate,
            CriticLearningRate = updates[^1].CriticLearningRate,
            GenerationSeconds = generation.TotalSeconds,
            LearningSeconds = learning.TotalSeconds,
        };
    }
}
