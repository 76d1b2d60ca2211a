using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// The universal perturbation δ: added after decoder layer l to the hidden states of every prompt's last n tokens, or of the n tokens of a
/// <see cref="VirtualTrigger"/>.
/// </summary>
/// <param name="Delta">δ, (n, d) float32.</param>
/// <param name="Layer">l: decoder layers that run before δ is added; 1 … L, with a virtual trigger also 0.</param>
/// <param name="Trigger">The tokens under δ; null for the prompt's own last n.</param>
internal sealed record Perturbation(Tensor Delta, int Layer, VirtualTrigger? Trigger = null)
{
    /// <summary>What the model reads in place of a prompt: with the trigger's tokens, if there is one.</summary>
    public int[] PromptOf(int[] prompt) => Trigger is null ? prompt : Trigger.InsertInto(prompt);

    /// <summary>Tokens of a prompt before the first one under δ; their hidden states do not depend on it.</summary>
    /// <param name="promptLength">Tokens of the prompt from <see cref="PromptOf"/>.</param>
    public int TokensBefore(int promptLength) => promptLength - (Trigger?.OpenTokens(promptLength) ?? (int)Delta.size(0));

    /// <summary>Adds δ. Prompts are left-padded, so that their tails are the same columns in the whole batch.</summary>
    /// <param name="hidden">(B, T, d) float32: the residual stream after layer l, of prompts from <see cref="PromptOf"/>.</param>
    /// <param name="promptWidth">P: the column after the prompts' last token.</param>
    /// <param name="attentionMask">(B, ≥ P) bool: true for real tokens.</param>
    /// <param name="examples">How many of the B conversations get δ, the first ones; null for all.</param>
    /// <returns>(B, T, d) float32.</returns>
    public Tensor AddTo(Tensor hidden, long promptWidth, Tensor attentionMask, int? examples = null)
    {
        using var scope = NewDisposeScope();
        if (examples is { } some && some < hidden.size(0))
        {
            var first = AddTo(hidden.narrow(0, 0, some), promptWidth, attentionMask.narrow(0, 0, some));
            return cat([first, hidden.narrow(0, some, hidden.size(0) - some)], 0).MoveToOuterDisposeScope();
        }
        long tail = Delta.size(0), start = promptWidth - tail, tokens = hidden.size(1);
        if (Trigger is not null)
        {
            var lengths = attentionMask.narrow(1, 0, promptWidth).sum(1);                                // (B)
            return hidden.Plus(Trigger.Placement(lengths, promptWidth, 0, tokens).matmul(Delta)).MoveToOuterDisposeScope();
        }
        return cat([hidden.narrow(1, 0, start), hidden.narrow(1, start, tail).Plus(Delta),
            hidden.narrow(1, promptWidth, tokens - promptWidth)], 1).MoveToOuterDisposeScope();
    }
}
