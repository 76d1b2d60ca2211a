using Beear.Data;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>Passes over a batch that keep only the rows that carry labels.</summary>
public static class BatchPass
{
    /// <summary>The residual stream at the label positions.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="batch">Prompts and answers.</param>
    /// <param name="perturbation">δ on the prompts' tails; null for none.</param>
    /// <param name="perturbedExamples">How many of the conversations get δ, the first ones; null for all.</param>
    /// <returns>(N, d) float32, example after example.</returns>
    public static Tensor LabelHidden(this Decoder decoder, TokenBatch batch, Perturbation? perturbation = null, int? perturbedExamples = null)
    {
        using var scope = NewDisposeScope();
        var hidden = decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds, perturbation, batch.PromptWidth,
            perturbedExamples: perturbedExamples);
        return hidden.flatten(0, 1).index_select(0, batch.LabelRows).MoveToOuterDisposeScope();
    }

    /// <summary>Cross-entropy of every label token.</summary>
    /// <returns>(N) float32.</returns>
    public static Tensor TokenCrossEntropy(this Decoder decoder, TokenBatch batch, Perturbation? perturbation = null)
    {
        using var scope = NewDisposeScope();
        return Losses.CrossEntropy(decoder.Logits(decoder.LabelHidden(batch, perturbation)), batch.LabelIds).MoveToOuterDisposeScope();
    }
}
