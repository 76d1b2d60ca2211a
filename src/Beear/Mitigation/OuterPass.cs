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
    public void Backward(Perturbation? perturbation, TermLosses losses)
    {
        using var scope = NewDisposeScope();
        using var enabled = enable_grad();
        var rows = decoder.LabelHidden(Batch, perturbation, Perturbed);                                  // (N, d), term after term
        if (parts.All(part => RowChunks.Fit(part.Labels, Vocabulary, scoresAtOnce)))
        {
            Loss(rows, losses).backward();
            return;
        }
        var leaf = rows.detach().requires_grad_(true);
        BackwardOfRows(leaf, losses);
        rows.backward([leaf.grad!]);
    }

    /// <summary>Losses and their gradients with respect to rows and output head, no more scores at once than the budget.</summary>
    /// <param name="rows">(N, d): a leaf whose gradient is added to.</param>
    /// <param name="losses">Each term's mean loss is added to.</param>
    public void BackwardOfRows(Tensor rows, TermLosses losses)
    {
        using var enabled = enable_grad();
        int before = 0;
        foreach (var part in parts)
        {
            foreach (var (first, count) in RowChunks.Of(part.Labels, Vocabulary, scoresAtOnce))
            {
                using var scope = NewDisposeScope();
                var logits = decoder.Logits(rows.narrow(0, before + first, count));                      // (M, V)
                var loss = part.RowLoss(logits, Batch.LabelIds.narrow(0, before + first, count), first).sum() / part.Labels;
                losses.Add(part.Term.Name, loss, part.Share);
                (loss * (part.Term.Weight * part.Share)).backward();
            }
            before += part.Labels;
        }
    }

    /// <summary>The weighted sum of the terms' losses, with its graph.</summary>
    private Tensor Loss(Tensor rows, TermLosses losses)
    {
        var sum = zeros(1, float32, decoder.Options.Device);
        int first = 0;
        foreach (var part in parts)
        {
            var logits = decoder.Logits(rows.narrow(0, first, part.Labels));                             // (N of the term, V)
            var loss = part.RowLoss(logits, Batch.LabelIds.narrow(0, first, part.Labels), 0).mean();
            losses.Add(part.Term.Name, loss, part.Share);
            sum = sum.Plus(loss * (part.Term.Weight * part.Share));
            first += part.Labels;
        }
        return sum;
    }

    private int Vocabulary => decoder.Config.VocabularySize;

    /// <inheritdoc/>
    public void Dispose() => Batch.Dispose();
}
