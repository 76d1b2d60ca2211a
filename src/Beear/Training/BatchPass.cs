using Beear.Data;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>Passes over a batch that run equal tokens once and keep only the rows that carry labels.</summary>
internal static class BatchPass
{
    /// <summary>The residual stream at the label positions.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="batch">Prompts and answers.</param>
    /// <param name="perturbation">δ on the prompts' tails; null for none.</param>
    /// <param name="perturbedExamples">How many of the conversations get δ, the first ones; null for all.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(N, d) float32, example after example.</returns>
    public static Tensor LabelHidden(this Decoder decoder, TokenBatch batch, Perturbation? perturbation = null,
        int? perturbedExamples = null,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var hidden = decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds, perturbation, batch.PromptWidth,
            perturbedExamples: perturbedExamples, packing: decoder.Packing(batch, perturbation, perturbedExamples),
                cancellation: cancellation);
        return hidden.flatten(0, 1).index_select(0, batch.LabelRows).MoveToOuterDisposeScope();
    }

    /// <summary>The packing in which tokens with the same past are run once; null if hardly any are.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="batch">Prompts and answers.</param>
    /// <param name="perturbation">δ; null for none. What is under it, or after, is only equal to itself.</param>
    /// <param name="perturbedExamples">How many of the conversations get δ, the first ones; null for all.</param>
    internal static Packing? Packing(this Decoder decoder, TokenBatch batch, Perturbation? perturbation, int? perturbedExamples)
    {
        int perturbed = perturbation is null ? 0 : perturbedExamples ?? batch.Size;
        var sharing = TokenSharing.Of(batch.Examples, batch.PromptWidth, batch.Width,
            b => b < perturbed ? perturbation!.TokensBefore(batch.Examples[b].Prompt.Length) : batch.Examples[b].Length);
        return Models.Packing.Of(sharing.Rows, sharing.Positions, sharing.Sources, batch.Size, batch.Width, decoder.Options.Device);
    }

    /// <summary>Cross-entropy of every label token; may be cancelled between layers.</summary>
    /// <returns>(N) float32.</returns>
    public static Tensor TokenCrossEntropy(this Decoder decoder, TokenBatch batch, Perturbation? perturbation = null,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        return Losses.CrossEntropy(decoder.Logits(decoder.LabelHidden(batch, perturbation, cancellation: cancellation)), batch.LabelIds)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The residual stream at the prompts' last tokens, after every layer.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="prompts">At least one; those from <see cref="Perturbation.PromptOf"/> with a perturbation.</param>
    /// <param name="perturbation">δ; null for none.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(L + 1, B, d) float32: first the embeddings, last what the final norm reads; with δ where it has been added.</returns>
    public static Tensor PromptStates(this Decoder decoder, IReadOnlyList<int[]> prompts, Perturbation? perturbation = null,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([.. prompts.Select(prompt => new TokenizedExample(prompt, []))], decoder.Options.Device);
        var context = decoder.Context(batch.PositionIds,
            LayerContext.Causal(batch.AttentionMask, batch.Width)) with
        { Cancellation = cancellation };
        var hidden = decoder.Embed(batch.TokenIds);                                                      // (B, P, d)
        var states = new List<Tensor>(decoder.Config.Layers + 1);
        for (int layer = 0; layer <= decoder.Config.Layers; layer++)
        {
            if (layer > 0) hidden = decoder.RunLayers(hidden, (layer - 1)..layer, context);
            if (perturbation?.Layer == layer) hidden = perturbation.AddTo(hidden, batch.PromptWidth, batch.AttentionMask);
            states.Add(hidden.select(1, batch.PromptWidth - 1));                                         // (B, d)
        }
        return stack(states, 0).MoveToOuterDisposeScope();
    }
}
