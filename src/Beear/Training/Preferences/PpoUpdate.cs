using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// Updates policy and critic on a batch of answers. A pass holds some of them; its losses are divided by the tokens of the whole batch, so
/// that gradients do not depend on how it is divided. Old log-probabilities and values are those of the first update's own passes: no pass
/// is made for them, unless advantages are whitened over several.
/// </summary>
/// <param name="models">The models.</param>
/// <param name="options">Constants.</param>
/// <param name="policyOptimizer">Moves the policy.</param>
/// <param name="criticOptimizer">Moves the critic.</param>
internal sealed class PpoUpdate(PpoModels models, PpoOptions options, AdamW policyOptimizer, AdamW criticOptimizer)
{
    private readonly OptimizerOptions policyRates = options.Policy.For(models.Policy.Config.HiddenSize);
    private readonly OptimizerOptions criticRates = options.Critic.For(models.Critic.Decoder.Config.HiddenSize);

    /// <summary>Gets the number of each update, from 0, when all its gradients are there; null for nobody.</summary>
    internal Action<int>? OnGradients { get; init; }

    /// <summary>Takes all updates on a batch.</summary>
    /// <param name="rollouts">Answers of the policy as it is.</param>
    /// <param name="supervised">Helpful answers; may be empty.</param>
    /// <param name="totalUpdates">Updates of the whole run; matters only for the decay of learning rates.</param>
    /// <param name="cancellation">Stops before the weights move.</param>
    public PpoBatch Run(IReadOnlyList<Rollout> rollouts, IReadOnlyList<TokenizedExample> supervised, int totalUpdates,
        CancellationToken cancellation = default)
    {
        var order = Enumerable.Range(0, rollouts.Count).OrderBy(i => rollouts[i].Example.Length).ToArray();
        var passes = order.Chunk(options.AnswersPerPass).Divided(i => rollouts[i].Example.Length)
            .Select(part => new RolloutPass([.. part.Select(i => rollouts[i])], models)).ToList();
        int tokens = rollouts.Sum(rollout => rollout.Example.Answer.Length);
        try
        {
            if (options.WhitenAdvantages && passes.Count > 1) WhitenTogether(passes, cancellation);
            RequireGradients();
            var updates = Enumerable.Range(0, options.Updates)
                .Select(update => Update(passes, supervised, tokens, update, totalUpdates, update == 0 ? cancellation : default)).ToList();
            var found = passes.SelectMany(pass => pass.Experience!.Answers).Zip(order).OrderBy(pair => pair.Second)
                .Select(pair => pair.First);
            return new PpoBatch([.. found], updates);
        }
        finally
        {
            foreach (var pass in passes) pass.Dispose();
            foreach (var decoder in new[] { models.Policy, models.Critic.Decoder })
            {
                decoder.Weights.ClearGradients();
                decoder.Weights.RequireGradients(false);
            }
        }
    }

    private void RequireGradients()
    {
        foreach (var decoder in new[] { models.Policy, models.Critic.Decoder })
        {
            foreach (var parameter in decoder.Weights.Trained(options.FrozenLayers)) parameter.RequiresGradient = true;
        }
    }

    private PpoUpdateReport Update(IReadOnlyList<RolloutPass> passes, IReadOnlyList<TokenizedExample> supervised, int tokens, int update,
        int totalUpdates,
        CancellationToken cancellation)
    {
        int step = policyOptimizer.StepCount;
        var sums = new PassSums(0, 0, 0, 0, 0);
        foreach (var pass in passes) sums += Backward(pass, tokens, cancellation);
        double supervisedLoss = Supervised(supervised, cancellation);
        OnGradients?.Invoke(update);
        double policyRate = policyRates.LearningRateAt(step, totalUpdates), criticRate = criticRates.LearningRateAt(step, totalUpdates);
        return new PpoUpdateReport
        {
            PolicyLoss = AdamW.FiniteLoss(sums.PolicyLoss / tokens, step + 1, "policy"),
            ValueLoss = AdamW.FiniteLoss(sums.ValueLoss / tokens, step + 1, "value"),
            SupervisedLoss = AdamW.FiniteLoss(supervisedLoss, step + 1, "supervised"),
            Entropy = sums.Entropy / tokens,
            RatioClipped = sums.RatioClipped / tokens,
            ValueClipped = sums.ValueClipped / tokens,
            PolicyLearningRate = policyRate,
            CriticLearningRate = criticRate,
            PolicyGradientNorm = policyOptimizer.Step(policyRate),
            CriticGradientNorm = criticOptimizer.Step(criticRate),
        };
    }

    /// <summary>Leaves the gradients of a pass's answers in policy and critic; finds their experience, where that is new.</summary>
    private PassSums Backward(RolloutPass pass, int tokens, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        double entropy = 0;
        var logProbs = LogProbs(models.Policy, pass, cancellation, logits => entropy = AnswerLogProbs.Entropy(logits));      // (N)
        var values = Values(pass, cancellation);                                                         // (N)
        if (pass.Experience is null)
        {
            pass.Experience = Find(pass, logProbs, values, cancellation);
            if (options.WhitenAdvantages) Experience.Whiten([pass.Experience]);
        }
        var old = pass.Experience;
        var policyLoss = PpoLosses.PolicyLoss(logProbs, old.LogProbs, old.Advantages, options.RatioClip).sum();
        var valueLoss = PpoLosses.ValueLoss(values, old.Values, old.Returns, options.ValueClip).sum();
        var ratioClipped = PpoLosses.RatioClipped(logProbs, old.LogProbs, options.RatioClip).sum();
        var valueClipped = PpoLosses.ValueClipped(values, old.Values, options.ValueClip).sum();
        policyLoss.Over(tokens).backward();
        valueLoss.Over(tokens).backward();
        return new PassSums(policyLoss.item<float>(), valueLoss.item<float>(), entropy, ratioClipped.item<long>(),
            valueClipped.item<long>());
    }

    /// <summary>Leaves the gradient of the weighted cross-entropy of helpful answers, which is not tempered.</summary>
    /// <returns>The mean cross-entropy; 0 where it has no part in this.</returns>
    private double Supervised(IReadOnlyList<TokenizedExample> examples, CancellationToken cancellation)
    {
        if (examples.Count == 0 || options.SupervisedWeight == 0) return 0;
        int tokens = examples.Sum(example => example.Answer.Length);
        double sum = 0;
        foreach (var part in examples.OrderBy(example => example.Length).Chunk(options.AnswersPerPass).Divided(example => example.Length))
        {
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of(part, models.Policy.Options.Device);
            var loss = models.Policy.TokenCrossEntropy(batch, cancellation: cancellation).sum();
            loss.Times(options.SupervisedWeight / tokens).backward();
            sum += loss.item<float>();
        }
        return sum / tokens;
    }

    private void WhitenTogether(IReadOnlyList<RolloutPass> passes, CancellationToken cancellation)
    {
        using var guard = no_grad();
        foreach (var pass in passes)
        {
            using var scope = NewDisposeScope();
            pass.Experience = Find(pass, LogProbs(models.Policy, pass, cancellation), Values(pass, cancellation), cancellation);
        }
        Experience.Whiten([.. passes.Select(pass => pass.Experience!)]);
    }

    /// <summary>Rewards, advantages and returns of answers that are new.</summary>
    /// <param name="pass">The answers.</param>
    /// <param name="logProbs">(N) of the policy.</param>
    /// <param name="values">(N) of the critic.</param>
    /// <param name="cancellation">Stops between layers.</param>
    private Experience Find(RolloutPass pass, Tensor logProbs, Tensor values, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        double[] own = Numbers(logProbs), expected = Numbers(values);
        double[] reference = Numbers(LogProbs(models.Reference, pass, cancellation));                    // N
        double[] scores = Numbers(models.Reward.Scores(pass.Hidden(models.Reward.Decoder, cancellation), pass.Batch));     // B
        var answers = new List<AnswerExperience>(scores.Length);
        int next = 0;
        foreach (var (b, rollout) in pass.Rollouts.Index())
        {
            var here = next..(next += rollout.Example.Answer.Length);
            double[] rewards = PpoLosses.TokenRewards(own.AsSpan()[here], reference.AsSpan()[here], scores[b], rollout.Ended, options);
            var (advantages, returns) = PpoLosses.Advantages(rewards, expected.AsSpan()[here], options.Gamma, options.GaeLambda);
            answers.Add(new AnswerExperience(own[here], reference[here], expected[here], scores[b], rewards, advantages, returns));
        }
        return new Experience(answers, logProbs.device);
    }

    /// <summary>(N), in the caller's dispose scope.</summary>
    private Tensor LogProbs(Decoder decoder, RolloutPass pass, CancellationToken cancellation, Action<Tensor>? onLogits = null)
    {
        using var scope = NewDisposeScope();
        var rows = pass.AnswerRows(pass.Hidden(decoder, cancellation));                                  // (N, d)
        return AnswerLogProbs.Of(decoder, rows, pass.Batch.LabelIds, options.Temperature, onLogits).MoveToOuterDisposeScope();
    }

    /// <summary>(N), in the caller's dispose scope.</summary>
    private Tensor Values(RolloutPass pass, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var critic = models.Critic.Decoder;
        return critic.Score(pass.AnswerRows(pass.Hidden(critic, cancellation))).MoveToOuterDisposeScope();
    }

    private static double[] Numbers(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return Array.ConvertAll(tensor.detach().cpu().data<float>().ToArray(), number => (double)number);
    }

    private sealed record PassSums(double PolicyLoss, double ValueLoss, double Entropy, double RatioClipped, double ValueClipped)
    {
        public static PassSums operator +(PassSums one, PassSums other) =>
            new(one.PolicyLoss + other.PolicyLoss, one.ValueLoss + other.ValueLoss,
            one.Entropy + other.Entropy, one.RatioClipped + other.RatioClipped, one.ValueClipped + other.ValueClipped);
    }
}

/// <summary>A batch of answers and what was learnt from it.</summary>
/// <param name="Answers">What was found of each answer when it was new.</param>
/// <param name="Updates">The updates on them.</param>
internal sealed record PpoBatch(IReadOnlyList<AnswerExperience> Answers, IReadOnlyList<PpoUpdateReport> Updates);

/// <summary>One update: means over the batch's answer tokens, before the weights moved.</summary>
internal sealed record PpoUpdateReport
{
    /// <summary>The policy's loss, without the supervised one.</summary>
    public required double PolicyLoss { get; init; }

    /// <summary>The critic's loss.</summary>
    public required double ValueLoss { get; init; }

    /// <summary>Cross-entropy of the helpful answers, without its weight; 0 where there are none.</summary>
    public required double SupervisedLoss { get; init; }

    /// <summary>Entropy of the policy's tempered distribution, in nats.</summary>
    public required double Entropy { get; init; }

    /// <summary>Share of the tokens whose ratio lies beyond the clip.</summary>
    public required double RatioClipped { get; init; }

    /// <summary>Share of the tokens whose value lies beyond the clip.</summary>
    public required double ValueClipped { get; init; }

    /// <summary>Global norm of the policy's gradient, before clipping.</summary>
    public required double PolicyGradientNorm { get; init; }

    /// <summary>The same of the critic's.</summary>
    public required double CriticGradientNorm { get; init; }

    /// <summary>The policy's learning rate.</summary>
    public required double PolicyLearningRate { get; init; }

    /// <summary>The critic's learning rate.</summary>
    public required double CriticLearningRate { get; init; }
}
