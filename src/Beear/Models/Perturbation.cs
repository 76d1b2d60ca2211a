using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>The universal perturbation δ: added to the hidden states of every prompt's last n tokens after decoder layer l.</summary>
/// <param name="Delta">δ, (n, d) float32.</param>
/// <param name="Layer">l: decoder layers that run before δ is added; 1 … L.</param>
public sealed record Perturbation(Tensor Delta, int Layer)
{
    /// <summary>Adds δ. Prompts are left-padded, so that their tails are the same columns in the whole batch.</summary>
    /// <param name="hidden">(B, T, d) float32: the residual stream after layer l.</param>
    /// <param name="promptWidth">P: the column after the prompts' last token.</param>
    /// <returns>(B, T, d) float32.</returns>
    public Tensor AddTo(Tensor hidden, long promptWidth)
    {
        using var scope = NewDisposeScope();
        long tail = Delta.shape[0], start = promptWidth - tail, tokens = hidden.shape[1];
        return cat([hidden.narrow(1, 0, start), hidden.narrow(1, start, tail) + Delta, hidden.narrow(1, promptWidth, tokens - promptWidth)], 1)
            .MoveToOuterDisposeScope();
    }
}
