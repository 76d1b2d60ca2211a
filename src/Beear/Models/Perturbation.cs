using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// The universal perturbation δ: added after decoder layer l, or after several layers, each with rows of its own, to the hidden states of every
/// prompt's last n tokens, or of the n tokens of a <see cref="VirtualTrigger"/>. On virtual tokens, δ after several layers gives them free keys and
/// values there: a learnt prefix of the model.
/// </summary>
/// <param name="Delta">δ, (k·n, d) float32: n rows for each of the k layers, the lowest layer's first.</param>
/// <param name="Layers">Each l: decoder layers that run before its rows are added; 1 … L, with a virtual trigger also 0; ascending, at least one.</param>
/// <param name="Trigger">The tokens under δ; null for the prompt's own last n.</param>
public sealed record Perturbation(Tensor Delta, IReadOnlyList<int> Layers, VirtualTrigger? Trigger = null)
{
    /// <summary>δ, (n, d), after one layer.</summary>
    public Perturbation(Tensor delta, int layer, VirtualTrigger? trigger = null) : this(delta, [layer], trigger)
    {
    }

    /// <summary>n.</summary>
    public int Positions => (int)Delta.size(0) / Layers.Count;

    /// <summary>Whether rows are added after this many layers.</summary>
    public bool IsAt(int layer) => Layers.Contains(layer);

    /// <summary>What the model reads in place of a prompt: with the trigger's tokens, if there is one.</summary>
    public int[] PromptOf(int[] prompt) => Trigger is null ? prompt : Trigger.InsertInto(prompt);

    /// <summary>Adds δ's rows of a layer. Prompts are left-padded, so that their tails are the same columns in the whole batch.</summary>
    /// <param name="hidden">(B, T, d) float32: the residual stream after the layer, of prompts from <see cref="PromptOf"/>.</param>
    /// <param name="layer">One of <see cref="Layers"/>.</param>
    /// <param name="promptWidth">P: the column after the prompts' last token.</param>
    /// <param name="attentionMask">(B, ≥ P) bool: true for real tokens.</param>
    /// <param name="examples">How many of the B conversations get δ, the first ones; null for all.</param>
    /// <returns>(B, T, d) float32.</returns>
    public Tensor AddTo(Tensor hidden, int layer, long promptWidth, Tensor attentionMask, int? examples = null)
    {
        using var scope = NewDisposeScope();
        if (examples is { } some && some < hidden.size(0))
        {
            var first = AddTo(hidden.narrow(0, 0, some), layer, promptWidth, attentionMask.narrow(0, 0, some));
            return cat([first, hidden.narrow(0, some, hidden.size(0) - some)], 0).MoveToOuterDisposeScope();
        }
        var rows = RowsAt(layer);                                                                        // (n, d)
        long tail = Positions, start = promptWidth - tail, tokens = hidden.size(1);
        if (Trigger is not null)
        {
            var lengths = attentionMask.narrow(1, 0, promptWidth).sum(1);                                // (B)
            return hidden.Plus(Trigger.Placement(lengths, promptWidth, 0, tokens).matmul(rows)).MoveToOuterDisposeScope();
        }
        return cat([hidden.narrow(1, 0, start), hidden.narrow(1, start, tail).Plus(rows), hidden.narrow(1, promptWidth, tokens - promptWidth)], 1)
            .MoveToOuterDisposeScope();
    }

    private Tensor RowsAt(int layer)
    {
        for (int i = 0; i < Layers.Count; i++)
        {
            if (Layers[i] == layer) return Delta.narrow(0, (long)i * Positions, Positions);
        }
        throw new ArgumentOutOfRangeException(nameof(layer), layer, "δ has no rows there.");
    }
}
