using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Beear.Training;

/// <summary>Losses are pure functions over selected rows.</summary>
public static class Losses
{
    /// <summary>Cross-entropy of each row.</summary>
    /// <param name="logits">(N, V).</param>
    /// <param name="labels">(N) int64.</param>
    /// <returns>(N) float32, in nats.</returns>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels)
    {
        using var scope = NewDisposeScope();
        return functional.cross_entropy(logits.to(float32), labels, reduction: Reduction.None).MoveToOuterDisposeScope();
    }

    /// <summary>KL(reference ‖ model) of each row.</summary>
    /// <param name="logits">(N, V): the model's.</param>
    /// <param name="reference">(N, V): the starting model's; no gradient.</param>
    /// <returns>(N) float32, in nats.</returns>
    public static Tensor Divergence(Tensor logits, Tensor reference)
    {
        using var scope = NewDisposeScope();
        var wanted = reference.detach().to(float32).log_softmax(-1);                                     // (N, V)
        var found = logits.to(float32).log_softmax(-1);                                                  // (N, V)
        return (wanted.exp() * (wanted - found)).sum(-1).MoveToOuterDisposeScope();
    }
}
