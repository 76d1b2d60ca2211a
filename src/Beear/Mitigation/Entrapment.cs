using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>Constants of the inner level (backdoor embedding entrapment).</summary>
public sealed record EntrapmentOptions
{
    /// <summary>l: decoder layers that run before δ is added, 1 … L; with virtual tokens also 0, their embeddings. The paper's main results use 9.</summary>
    public int PerturbedLayer { get; init; } = 9;

    /// <summary>n: prompt tokens, counted from the end, that δ is added to; not used with virtual tokens.</summary>
    public int TailLength { get; init; } = 5;

    /// <summary>
    /// Random tokens that are put into the request and carry δ in place of its tail: after it in the first round, before it in the second, on
    /// both sides in the third, and so on. 0 for none, as in the paper.
    /// </summary>
    public int VirtualTokens { get; init; }

    /// <summary>δ's rows.</summary>
    internal int Rows => VirtualTokens > 0 ? VirtualTokens : TailLength;

    /// <summary>K: steps on δ.</summary>
    public int Steps { get; init; } = 15;

    /// <summary>Learning rate of Adam on δ, in the hidden states' units.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>α: weight of the safe answers that δ is to make unlikely.</summary>
    public double Alpha { get; init; } = 0.2;

    /// <summary>Largest norm of a row of δ, as a share of the mean norm of the hidden states at the tail; 0 for no cap.</summary>
    public double Cap { get; init; } = 0.6;

    /// <summary>Harmful requests in a batch.</summary>
    public int BatchSize { get; init; } = 12;

    /// <summary>Batches that are prepared for an inner run; its steps go through them in turn.</summary>
    public int Batches { get; init; } = 2;

    /// <summary>Longest answers, in tokens, that the inner loss looks at.</summary>
    public int AnswerTokens { get; init; } = 40;

    /// <summary>Checks the ranges against a model.</summary>
    /// <exception cref="BeearException">A value is out of range.</exception>
    public void Validate(ModelConfig config)
    {
        if (VirtualTokens < 0) throw new BeearException($"inner: virtual_tokens must be 0 or more, it is {VirtualTokens}.");
        if (PerturbedLayer < (VirtualTokens > 0 ? 0 : 1) || PerturbedLayer > config.Layers)
            throw new BeearException($"inner: perturbed_layer is {PerturbedLayer}, but the model has layers 1 to {config.Layers} (0, the embeddings, with virtual_tokens).");
        if (TailLength < 1) throw new BeearException($"inner: tail_length must be at least 1, it is {TailLength}.");
        if (Steps < 1) throw new BeearException($"inner: steps must be at least 1, it is {Steps}.");
        if (!(LearningRate > 0)) throw new BeearException($"inner: learning_rate must be above 0, it is {LearningRate}.");
        if (!(Alpha >= 0)) throw new BeearException($"inner: alpha must be 0 or more, it is {Alpha}.");
        if (!(Cap >= 0)) throw new BeearException($"inner: cap must be 0 or more, it is {Cap}.");
        if (BatchSize < 1 || Batches < 1 || AnswerTokens < 1) throw new BeearException("inner: batch_size, batches and answer_tokens must be at least 1.");
    }
}

/// <summary>What an inner run found.</summary>
/// <param name="Delta">δ*, (n, d) float32; the receiver disposes it.</param>
/// <param name="Trajectory">The loss before each step; K of them.</param>
/// <param name="CapValue">Largest allowed norm of a row; +∞ without a cap.</param>
/// <param name="TailNorm">Mean norm of the unperturbed hidden states at the tail.</param>
/// <param name="Final">The loss under δ*, mean over the prepared batches.</param>
public sealed record EntrapmentResult(Tensor Delta, IReadOnlyList<InnerLoss> Trajectory, double CapValue, double TailNorm, InnerLoss Final) : IDisposable
{
    /// <summary>Mean norm of δ's rows.</summary>
    public double DeltaNorm
    {
        get
        {
            using var scope = NewDisposeScope();
            return Delta.norm(-1).mean().item<float>();
        }
    }

    /// <summary>δ's size as a share of the hidden states' norm.</summary>
    public double Drift => DeltaNorm / TailNorm;

    /// <inheritdoc/>
    public void Dispose() => Delta.Dispose();
}

/// <summary>
/// The inner level: with the model frozen, finds one δ that drives all the defender's harmful requests toward unwanted answers,
/// δ* = argmin mean[CE(y_h) − α·CE(y_s)] (paper, equation 3).
/// </summary>
/// <param name="decoder">The model.</param>
/// <param name="options">Constants.</param>
public sealed class Entrapment(Decoder decoder, EntrapmentOptions options)
{
    /// <summary>Searches δ* from zero on batches drawn from the examples.</summary>
    /// <param name="examples">The defender's harmful requests with both answers.</param>
    /// <param name="seed">Which batches are drawn.</param>
    /// <param name="trigger">Tokens that carry δ; null for the prompts' tails.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public EntrapmentResult Search(IReadOnlyList<ContrastExample> examples, int seed, VirtualTrigger? trigger = null, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate(decoder.Config);
        if (examples.Count == 0) throw new BeearException("There are no harmful requests with unwanted answers to search a perturbation with.");
        ContrastExample[] shuffled = [.. examples.Select(example => example with { Unwanted = Cut(example.Unwanted), Safe = Cut(example.Safe) })];
        new Random(seed).Shuffle(shuffled);
        var problems = new List<InnerProblem>();
        try
        {
            foreach (var batch in shuffled.Chunk(options.BatchSize).Take(options.Batches))
                problems.Add(new InnerProblem(decoder, batch, options.PerturbedLayer, options.Rows, trigger));
            return Search(problems, progress, cancellation);
        }
        finally
        {
            problems.ForEach(problem => problem.Dispose());
        }
    }

    /// <summary>Searches δ* from zero on prepared batches.</summary>
    public EntrapmentResult Search(IReadOnlyList<InnerProblem> problems, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        double tailNorm = problems.Average(problem => problem.TailNorm);
        double cap = options.Cap > 0 ? options.Cap * tailNorm : double.PositiveInfinity;
        var delta = zeros([options.Rows, decoder.Config.HiddenSize], float32, decoder.Options.Device);
        var optimizer = new DeltaAdam(delta, options.LearningRate);
        var trajectory = new List<InnerLoss>(options.Steps);
        for (int step = 0; step < options.Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var stepScope = NewDisposeScope();
            var (loss, gradient) = problems[step % problems.Count].Gradient(delta, options.Alpha);
            trajectory.Add(loss);
            optimizer.Step(gradient);
            Cap(delta, cap);
            progress?.Report(new RunProgress("inner level", step + 1, options.Steps, $"CE(unwanted) {loss.Unwanted:F2}"));
        }
        var final = problems.Select(problem => problem.Loss(delta)).ToList();
        return new EntrapmentResult(delta.DetachFromDisposeScope(), trajectory, cap, tailNorm,
            new InnerLoss(final.Average(loss => loss.Unwanted), final.Average(loss => loss.Safe)));
    }

    private int[] Cut(int[] answer) => answer.Length > options.AnswerTokens ? answer[..options.AnswerTokens] : answer;

    /// <summary>Scales every row of δ down to the cap.</summary>
    private static void Cap(Tensor delta, double cap)
    {
        if (double.IsInfinity(cap)) return;
        var norms = delta.norm(-1, keepdim: true);                                                       // (n, 1)
        delta.mul_((cap / norms.clamp_min(1e-12)).clamp_max(1));
    }
}
