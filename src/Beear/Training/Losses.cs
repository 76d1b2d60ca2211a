using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>
/// Losses are pure functions over selected rows, and the last that reads the logits: backward writes their gradient over them.
/// </summary>
internal static class Losses
{
    /// <summary>Cross-entropy of each row.</summary>
    /// <param name="logits">(N, V).</param>
    /// <param name="labels">(N) int64.</param>
    /// <returns>(N) float32, in nats.</returns>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels) => SelectedCrossEntropy.Apply(logits, labels, consumeLogits: true);

    /// <summary>KL(reference ‖ model) of each row.</summary>
    /// <param name="logits">(N, V): the model's.</param>
    /// <param name="reference">(N, V): the starting model's; no gradient.</param>
    /// <returns>(N) float32, in nats.</returns>
    public static Tensor Divergence(Tensor logits, Tensor reference) => RowDivergence.Apply(logits, reference);
}
