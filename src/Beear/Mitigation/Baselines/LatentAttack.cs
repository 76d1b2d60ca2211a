using Beear.Kernels;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>
/// Perturbations of one batch: for each example, chosen layer and prompt token a vector in a ball. Both answers of an example share
/// a pass, hidden from each other (<see cref="BranchLayout"/>).
/// </summary>
internal sealed class LatentAttack : IDisposable
{
    private readonly Decoder decoder;
    private readonly IReadOnlyList<int> layers;
    private readonly LatentAdversarialOptions options;
    private readonly LayerContext context;
    private readonly int promptWidth;
    private readonly int unwantedCount;
    private readonly Tensor tokenIds;                                    // (B, T)
    private readonly Tensor labelRows;                                   // (N_h + N_s)
    private readonly Tensor labels;                                      // (N_h + N_s)
    private readonly Tensor real;                                        // (B, P, 1): 1 for prompt tokens, 0 for padding
    private readonly double[] radii;                                     // of each layer
    private readonly Tensor[] deltas;                                           // of each layer, (B, P, d)

    /// <summary>Lays the batch out; the perturbations are zero.</summary>
    public LatentAttack(Decoder decoder, IReadOnlyList<ContrastExample> examples, IReadOnlyList<int> layers,
        LatentAdversarialOptions options)
    {
        (this.decoder, this.layers, this.options) = (decoder, layers, options);
        var device = decoder.Options.Device;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        promptWidth = examples.Max(example => example.Prompt.Length);
        var layout = new BranchLayout(examples, promptWidth, device);    // labels are counted from column 0
        unwantedCount = layout.UnwantedCount;
        context = decoder.Context(layout.PositionIds, layout.Allowed, sequenceLength: layout.SequenceLength).DetachFromDisposeScope();
        tokenIds = layout.TokenIds.DetachFromDisposeScope();
        labelRows = layout.LabelRows.DetachFromDisposeScope();
        labels = layout.LabelIds.DetachFromDisposeScope();
        real = layout.Allowed.diagonal(0, 1, 2).narrow(1, 0, promptWidth).unsqueeze(2).to(float32).DetachFromDisposeScope();
        deltas = [.. layers.Select(_ =>
            zeros([examples.Count, promptWidth, decoder.Config.HiddenSize], float32, device).DetachFromDisposeScope())];
        radii = new double[layers.Count];
        RunLayers((i, hidden) => radii[i] =
            options.Radius * ((hidden.narrow(1, 0, promptWidth).norm(-1, keepdim: true) * real).sum() / real.sum()).item<float>());
    }

    /// <summary>Of each layer, (B, P, d).</summary>
    internal IReadOnlyList<Tensor> Deltas => deltas;

    /// <summary>ε of each layer: largest norm of a token's perturbation.</summary>
    internal IReadOnlyList<double> Radii => radii;

    /// <summary>
    /// Searches the perturbations while the weights stand still: projected gradient descent, each step normalised for each token.
    /// </summary>
    public void Search(CancellationToken cancellation)
    {
        for (int step = 0; step < options.AttackSteps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor[] leaves = [.. deltas.Select(delta => delta.detach().requires_grad_(true))];
            IList<Tensor> gradients;
            using (enable_grad())
            {
                var (unwanted, safe) = CrossEntropies(leaves);
                gradients = autograd.grad([unwanted.mean().Plus(Away(safe).Times(options.AttackAway))], leaves);
            }
            using var guard = no_grad();
            for (int i = 0; i < layers.Count; i++)
            {
                var direction = gradients[i] / gradients[i].norm(-1, keepdim: true).AtLeast(1e-12);      // (B, P, d)
                var moved = deltas[i] - direction.Times(options.StepSize * radii[i]);
                var shrink = radii[i].Over(moved.norm(-1, keepdim: true).AtLeast(1e-12)).AtMost(1);       // (B, P, 1)
                deltas[i].copy_(moved * shrink);
            }
        }
    }

    /// <summary>
    /// Cross-entropy of each label of the unwanted and of the safe answers under the perturbations, (N_h) and (N_s), in nats.
    /// </summary>
    public (Tensor Unwanted, Tensor Safe) CrossEntropies() => CrossEntropies(deltas);

    /// <summary>−log(1 − p), the mean over labels of cross-entropy −log p.</summary>
    public static Tensor Away(Tensor crossEntropy) => -(-(-crossEntropy.AtLeast(1e-4)).expm1()).log().mean();

    private (Tensor Unwanted, Tensor Safe) CrossEntropies(Tensor[] added)
    {
        var hidden = RunLayers(null, added);                                                             // (B, T, d)
        var rows = hidden.flatten(0, 1).index_select(0, labelRows);                                      // (N, d)
        var each = Losses.CrossEntropy(decoder.Logits(rows), labels);                                    // (N)
        return (each.narrow(0, 0, unwantedCount), each.narrow(0, unwantedCount, each.size(0) - unwantedCount));
    }

    /// <summary>A whole pass, which stops at each perturbed layer.</summary>
    private Tensor RunLayers(Action<int, Tensor>? look, Tensor[]? added = null)
    {
        var hidden = decoder.Embed(tokenIds);                                                            // (B, T, d)
        int done = 0;
        for (int i = 0; i < layers.Count; i++)
        {
            hidden = decoder.RunLayers(hidden, done..layers[i], context);
            done = layers[i];
            look?.Invoke(i, hidden);
            if (added is null) continue;
            long answers = hidden.size(1) - promptWidth;
            hidden = cat([hidden.narrow(1, 0, promptWidth).Plus(added[i] * real), hidden.narrow(1, promptWidth, answers)], 1);
        }
        return decoder.RunLayers(hidden, done.., context);
    }

    public void Dispose()
    {
        context.Dispose();
        foreach (var tensor in new[] { tokenIds, labelRows, labels, real }.Concat(deltas)) tensor.Dispose();
    }
}
