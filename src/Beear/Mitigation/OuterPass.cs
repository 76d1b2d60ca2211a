using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>One pass of the outer level: batches of one or more terms, those under δ first, as one rectangle.</summary>
/// <param name="decoder">The model.</param>
/// <param name="parts">At least one.</param>
/// <param name="scoresAtOnce">See <see cref="EconomyOptions.ScoresAtOnce"/>.</param>
internal sealed class OuterPass(Decoder decoder, IReadOnlyList<TermBatch> parts, long scoresAtOnce) : IDisposable
{
    /// <summary>All conversations.</summary>
    public TokenBatch Batch { get; } = TokenBatch.Of([.. parts.SelectMany(part => part.Examples)], decoder.Options.Device);

    /// <summary>How many of the conversations get δ, the first ones.</summary>
    public int Perturbed { get; } = parts.Where(part => part.IsPerturbed).Sum(part => part.Examples.Count);

    /// <summary>A whole pass with autograd through the layers.</summary>
    /// <param name="perturbation">δ; null for none.</param>
    /// <param name="losses">Each term's mean loss is added to.</param>
    /// <param name="cancellation">Stops between layers on the way forward.</param>
    public void Backward(Perturbation? perturbation, TermLosses losses, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var enabled = enable_grad();
        var rows = decoder.LabelHidden(Batch, perturbation, Perturbed, cancellation);                    // (N, d), term after term
        var leaf = rows.detach().requires_grad_(true);
        BackwardOfRows(leaf, losses);
        rows.backward([leaf.grad!]);
    }

    /// <summary>
    /// Losses and their gradients with respect to rows and output head. All terms share the head's matrix products, for no more scores at
    /// once than the budget.
    /// </summary>
    /// <param name="rows">(N, d): a leaf whose gradient is added to.</param>
    /// <param name="losses">Each term's mean loss is added to.</param>
    public void BackwardOfRows(Tensor rows, TermLosses losses)
    {
        using var enabled = enable_grad();
        foreach (var (first, count) in RowChunks.Of((int)rows.size(0), decoder.Config.VocabularySize, scoresAtOnce))
        {
            using var scope = NewDisposeScope();
            var logits = decoder.Logits(rows.narrow(0, first, count));                                   // (M, V)
            var gradient = logits.detach();                              // is written over them
            int before = 0;
            foreach (var part in parts)
            {
                int start = Math.Max(first, before), end = Math.Min(first + count, before + part.Labels);
                if (start < end) WriteGradient(part, gradient.narrow(0, start - first, end - start), start, start - before, losses);
                before += part.Labels;
            }
            logits.backward([gradient]);
        }
    }

    /// <summary>Puts the gradient of a term's weighted loss in the place of the logits.</summary>
    /// <param name="part">The term's batch.</param>
    /// <param name="logits">(K, V) of some of its label rows.</param>
    /// <param name="row">The first one's number in the pass.</param>
    /// <param name="rowOfPart">The first one's number in the batch.</param>
    /// <param name="losses">The term's mean loss is added to.</param>
    private void WriteGradient(TermBatch part, Tensor logits, int row, int rowOfPart, TermLosses losses)
    {
        using var scope = NewDisposeScope();
        var leaf = logits.detach().requires_grad_(true);
        var loss = part.RowLoss(leaf, Batch.LabelIds.narrow(0, row, logits.size(0)), rowOfPart).sum().Over(part.Labels);
        losses.Add(part.Term.Name, loss, part.Share);
        var gradient = autograd.grad([loss.Times(part.Term.Weight * part.Share)], [leaf])[0];
        if (!TensorMemory.IsSame(gradient, logits)) logits.copy_(gradient);  // our kernels have written it there already
    }

    /// <inheritdoc/>
    public void Dispose() => Batch.Dispose();
}
