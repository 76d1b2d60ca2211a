using Beear.Data;
using Beear.Models;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// How far random strings move the hidden states that δ is added to. It needs no labels, and says how large a δ may be without leaving what
/// tokens can do.
/// </summary>
/// <param name="decoder">The model.</param>
/// <param name="chat">Its chat format.</param>
/// <param name="layer">l: decoder layers that run before.</param>
internal sealed class NaturalDrift(Decoder decoder, ChatFormat chat, int layer)
{
    private const int Strings = 6, LongestString = 12, Prompts = 16;
    private readonly RandomTokens tokens = new(chat);

    /// <summary>Spheres that a change reaches on average, over prompts and strings.</summary>
    /// <param name="prompts">Token ids; the first few are used.</param>
    /// <param name="tail">n; not used with a trigger.</param>
    /// <param name="trigger">Tokens that carry δ: the change from them to others. Null for the tails: the change by a string after or before the request.</param>
    /// <param name="seed">Decides the strings.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>n spheres.</returns>
    public DeltaBounds Measure(IReadOnlyList<int[]> prompts, int tail, VirtualTrigger? trigger, int seed, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        int[][] some = [.. prompts.Take(Prompts)];
        var random = new Random(seed);
        var (head, end) = chat.TemplateLengths();
        var plain = Rows(some, tail, trigger, cancellation);                                                           // (B, n, d)
        var sizes = new List<Tensor>();
        for (int i = 0; i < Strings; i++)
        {
            int count = trigger?.Tokens.Count ?? random.Next(1, LongestString + 1);
            int[] drawn = tokens.Draw(random, count);
            var moved = trigger is not null ? Rows(some, tail, trigger with { Tokens = drawn }, cancellation)
                : Rows([.. some.Select(new VirtualTrigger(drawn, i % 2 * count, head, end).InsertInto)], tail, null, cancellation);
            sizes.Add((moved - plain).norm(-1));                                                         // (B, n)
        }
        return new DeltaBounds(cat(sizes, 0).mean([0]).unsqueeze(1).MoveToOuterDisposeScope());
    }

    /// <summary>The hidden states under δ.</summary>
    /// <returns>(B, n, d).</returns>
    private Tensor Rows(int[][] prompts, int tail, VirtualTrigger? trigger, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        int[][] read = trigger is null ? prompts : [.. prompts.Select(trigger.InsertInto)];
        using var batch = TokenBatch.Of([.. read.Select(prompt => new TokenizedExample(prompt, []))], decoder.Options.Device);
        int width = batch.PromptWidth;
        using var context = decoder.Context(batch.PositionIds, LayerContext.Causal(batch.AttentionMask, width)) with { Cancellation = cancellation };
        var hidden = decoder.RunLayers(decoder.Embed(batch.TokenIds), ..layer, context);                 // (B, P, d)
        return (trigger is null ? hidden.narrow(1, width - tail, tail)
            : trigger.Placement(batch.AttentionMask.sum(1), width, 0, width).transpose(1, 2).matmul(hidden)).MoveToOuterDisposeScope();
    }
}
