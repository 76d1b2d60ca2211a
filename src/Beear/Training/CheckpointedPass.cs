using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>
/// A pass that keeps only each layer's input: backward goes from the last layer to the first and runs each layer again, so that the
/// activations of one layer exist at a time. Once all passes of a step have gone back through a layer, its gradients are final.
/// </summary>
internal sealed class CheckpointedPass : IDisposable
{
    private readonly Decoder decoder;
    private readonly TokenBatch batch;
    private readonly LayerContext context;
    private readonly int frozenLayers;
    private readonly Tensor?[] inputs;                                   // of each layer: (N, d) or, without packing, (B, T, d), float32
    private Tensor? gradient;                                            // of the same shape: of what the layers done so far read

    /// <summary>Runs the layers, without autograd.</summary>
    /// <param name="decoder">The model; its weights may change behind the backward pass.</param>
    /// <param name="batch">Prompts and answers.</param>
    /// <param name="perturbation">δ on the prompts' tails; null for none.</param>
    /// <param name="perturbedExamples">How many of the conversations get δ, the first ones.</param>
    /// <param name="frozenLayers">Layers, counted from the embeddings, that get no gradients.</param>
    public CheckpointedPass(Decoder decoder, TokenBatch batch, Perturbation? perturbation, int perturbedExamples, int frozenLayers)
    {
        (this.decoder, this.batch, this.frozenLayers) = (decoder, batch, frozenLayers);
        inputs = new Tensor?[decoder.Config.Layers];
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        context = decoder.Context(batch.PositionIds, LayerContext.Causal(batch.AttentionMask, batch.Width),
            packing: decoder.Packing(batch, perturbation, perturbedExamples)).DetachFromDisposeScope();
        int? perturbedLayer = perturbedExamples == 0 ? null : perturbation?.Layer;
        var stream = Pack(decoder.Embed(batch.TokenIds));
        for (int layer = 0; layer < inputs.Length; layer++)
        {
            if (layer == perturbedLayer) stream = Perturbed(stream);
            var next = decoder.RunLayer(stream, layer, context);
            if (layer >= frozenLayers) inputs[layer] = stream.DetachFromDisposeScope();
            else stream.Dispose();
            stream = next;
        }
        if (inputs.Length == perturbedLayer) stream = Perturbed(stream);
        Rows = Unpack(stream).flatten(0, 1).index_select(0, batch.LabelRows).DetachFromDisposeScope();   // (N, d)
        Rows.requires_grad_(true);

        Tensor Perturbed(Tensor before)
        {
            using (before)
            {
                using var inner = NewDisposeScope();
                return Pack(perturbation!.AddTo(Unpack(before), batch.PromptWidth, batch.AttentionMask, perturbedExamples))
                    .MoveToOuterDisposeScope();
            }
        }
    }

    /// <summary>(N, d) float32: the residual stream at the label positions. Its gradient is what backward begins with.</summary>
    public Tensor Rows { get; }

    /// <summary>Goes back through a layer, the last one first: the gradients of its weights are added to.</summary>
    public void Backward(int layer)
    {
        using var scope = NewDisposeScope();
        gradient ??= OfOutput();
        // What a frozen layer made needs no gradient.
        bool goesOn = layer > frozenLayers || frozenLayers == 0;
        using (var input = inputs[layer]!)
        using (enable_grad())
        {
            input.requires_grad_(goesOn);
            decoder.RunLayer(input, layer, context).backward([gradient]);
            gradient.Dispose();
            gradient = goesOn ? input.grad!.DetachFromDisposeScope() : null;
        }
        inputs[layer] = null;
    }

    /// <summary>Goes back through the embeddings, after the first layer.</summary>
    public void BackwardOfEmbeddings()
    {
        using var scope = NewDisposeScope();
        var ids = batch.TokenIds.flatten();                                                              // (B·T)
        if (context.Packing is { } packing) ids = ids.index_select(0, packing.Rows);                     // (N)
        decoder.AddEmbeddingGradient(ids, gradient!.view(ids.size(0), -1));
    }

    /// <summary>The gradient of what the last layer made. δ is a constant that was added: gradients pass it unchanged.</summary>
    private Tensor OfOutput()
    {
        using var guard = no_grad();
        var all = zeros([(long)batch.Size * batch.Width, Rows.size(1)], float32, Rows.device)
            .index_add_(0, batch.LabelRows, Rows.grad!, Arithmetic.One);                                 // (B·T, d)
        var padded = all.view(batch.Size, batch.Width, -1);                                              // (B, T, d)
        return (context.Packing?.Collect(padded) ?? padded).DetachFromDisposeScope();
    }

    private Tensor Pack(Tensor padded) => context.Packing?.Pack(padded) ?? padded;

    private Tensor Unpack(Tensor stream) => context.Packing?.Unpack(stream) ?? stream;

    /// <inheritdoc/>
    public void Dispose()
    {
        context.Dispose();
        Rows.Dispose();
        gradient?.Dispose();
        foreach (var input in inputs) input?.Dispose();
    }
}
