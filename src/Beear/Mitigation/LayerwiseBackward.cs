using Beear.Models;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>Passes that go back through the layers together, one layer at a time.</summary>
/// <param name="decoder">The model.</param>
/// <param name="frozenLayers">See <see cref="EconomyOptions.FrozenLayers"/>.</param>
internal sealed class LayerwiseBackward(Decoder decoder, int frozenLayers)
{
    /// <summary>Stands for what is in no layer: embeddings, final norm and head.</summary>
    public const int Outside = -1;

    /// <summary>Adds the gradients of some passes to the weights'.</summary>
    /// <param name="passes">Their batches live until the end.</param>
    /// <param name="perturbation">δ; null for none.</param>
    /// <param name="losses">Each term's mean loss is added to.</param>
    /// <param name="isFinal">
    /// Told of each layer, and of <see cref="Outside"/>, whose gradients these passes will not change any more; may change its weights.
    /// </param>
    public void Run(IReadOnlyList<OuterPass> passes, Perturbation? perturbation, TermLosses losses, Action<int>? isFinal = null)
    {
        var running = new List<CheckpointedPass>();
        try
        {
            foreach (var pass in passes)
            {
                running.Add(new CheckpointedPass(decoder, pass.Batch, perturbation, pass.Perturbed, frozenLayers));
                pass.BackwardOfRows(running[^1].Rows, losses);
            }
            for (int layer = decoder.Config.Layers - 1; layer >= frozenLayers; layer--)
            {
                foreach (var pass in running) pass.Backward(layer);
                isFinal?.Invoke(layer);
            }
            if (frozenLayers == 0) running.ForEach(pass => pass.BackwardOfEmbeddings());
            isFinal?.Invoke(Outside);
        }
        finally
        {
            running.ForEach(pass => pass.Dispose());
        }
    }
}
