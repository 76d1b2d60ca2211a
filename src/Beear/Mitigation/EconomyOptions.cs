using Beear.Models;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>
/// What the outer level does to need less memory; nothing by default, as each costs time or digits. <c>--memory</c> chooses among them.
/// </summary>
public sealed record EconomyOptions : IValidatable
{
    /// <summary>
    /// A term whose batch has more real tokens than this takes several passes, whose gradients are added up, and so does a batch of the
    /// inner level; 0 for no such limit. Not used where rotary frequencies depend on the longest sequence of a pass.
    /// </summary>
    public int SplitTokens { get; init; }

    /// <summary>
    /// Most scores, label rows × vocabulary, that exist at once: where there are more, their loss and its gradient are computed in chunks
    /// of rows. The inner level has the same limit.
    /// </summary>
    public long ScoresAtOnce { get; init; } = RowChunks.DefaultScores;

    /// <summary>
    /// Keep only each layer's input for the backward pass and run the layer again then: a third more operations, activations of one layer.
    /// </summary>
    public bool Checkpointing { get; init; }

    /// <summary>Element type of AdamW's two moments.</summary>
    public StoredType Moments { get; init; }

    /// <summary>
    /// Element type of the weights that are trained; bfloat16 asks for bfloat16 matrix products, and saves the copy that they read.
    /// </summary>
    public StoredType Weights { get; init; }

    /// <summary>
    /// Update each layer as soon as the backward pass has left it, so that the gradients of one layer exist at a time; asks for
    /// checkpointing. The norm of all gradients is then not known in time: clip_norm bounds each layer's by itself, and that of embeddings,
    /// final norm and head together.
    /// </summary>
    public bool UpdateInBackward { get; init; }

    /// <summary>
    /// Lower decoder layers that are not trained, 0 … L − 1; with them the embeddings, and an output head that is tied to them. They run
    /// without autograd and need neither gradients nor moments.
    /// </summary>
    public int FrozenLayers { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(SplitTokens, 0);
        Require.AtLeast(ScoresAtOnce, 1);
        if (UpdateInBackward && !Checkpointing) throw new BeearException("update_in_backward works layer by layer; add checkpointing.");
    }

    /// <summary>Checks the ranges against a model.</summary>
    /// <exception cref="BeearException">A value is out of range, or two contradict each other.</exception>
    internal void Validate(ModelConfig config)
    {
        Validate();
        if (FrozenLayers < 0 || FrozenLayers >= config.Layers)
            throw new BeearException($"frozen_layers must lie between 0 and {config.Layers - 1}, as the model has {config.Layers} layers; "
                + $"it is {FrozenLayers}.");
    }

    /// <summary>Checks that the weights are of the type that is said here.</summary>
    /// <exception cref="BeearException">They are of another.</exception>
    internal void CheckWeights(Decoder decoder)
    {
        var stored = decoder.Options.MasterType == TorchSharp.torch.ScalarType.BFloat16 ? StoredType.Bfloat16 : StoredType.Float32;
        if (stored != Weights)
            throw new BeearException($"economy: weights is {Data.RecipeValue.Format(Weights)}, but the model was loaded with weights in "
                + $"{Data.RecipeValue.Format(stored)}; load it so, or change the option.");
    }

    /// <summary>What is saved, for people; empty if nothing is.</summary>
    public override string ToString()
    {
        string[] parts =
        [
            SplitTokens > 0 ? $"terms split at {SplitTokens} tokens" : "", Checkpointing ? "layers run again in backward" : "",
            Moments == StoredType.Bfloat16 ? "bfloat16 moments" : "", Weights == StoredType.Bfloat16
                ? "bfloat16 weights, rounded at random" : "",
            UpdateInBackward ? "layers updated during backward, clipped each by itself" : "", FrozenLayers > 0
                ? $"the lower {FrozenLayers} layers frozen" : "",
        ];
        return string.Join(", ", parts.Where(part => part.Length > 0));
    }
}
