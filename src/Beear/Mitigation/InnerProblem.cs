using System.Runtime.InteropServices;
using Beear.Kernels;
using Beear.Models;
using Beear.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>One of the defender's harmful requests with both answers, as token ids.</summary>
/// <param name="Prompt">x_i.</param>
/// <param name="Unwanted">y_h: what the model must not answer; a prefix is enough.</param>
/// <param name="Safe">y_s: what it is to answer; empty in a batch that is only searched for y_h.</param>
internal sealed record ContrastExample(int[] Prompt, int[] Unwanted, int[] Safe);

/// <summary>The inner level's loss and its parts.</summary>
/// <param name="Unwanted">Mean CE(y_h), nats per token.</param>
/// <param name="Safe">Mean CE(y_s), nats per token.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct InnerLoss(double Unwanted, double Safe)
{
    /// <summary>CE(y_h) − α·CE(y_s).</summary>
    public double Total(double alpha) => Unwanted - alpha * Safe;

    /// <summary>Reads losses, which on a GPU waits for all work.</summary>
    /// <param name="losses">(2) or (K, 2) float32: in each row the unwanted answers' and the safe ones'.</param>
    public static IReadOnlyList<InnerLoss> Read(Tensor losses)
    {
        using var scope = NewDisposeScope();
        return [.. losses.cpu().contiguous().data<float>().ToArray().Chunk(2).Select(pair => new InnerLoss(pair[0], pair[1]))];
    }
}

/// <summary>
/// A batch of the inner level, prepared while the weights stand still. What does not depend on δ is computed once: the hidden states
/// up to layer l, and for the layers above it the keys and values of all prompt tokens before the first one under δ. A step then
/// touches m + |y_h| + |y_s| tokens and L − l layers; m = n where δ is on the prompt's tail.
/// </summary>
/// <remarks>Both answers share the tail: one pass over [tail | y_h | y_s] whose mask hides each answer from the other.</remarks>
internal sealed class InnerProblem : IDisposable
{
    private readonly Decoder decoder;
    private readonly int layer;
    private readonly PrefixCache prefix;
    private readonly Tensor tail;  // (B, m, d) after layer l, without δ: from the first token under δ to the prompt's end
    private readonly Tensor? placement;                                  // (B, m, n) where δ's rows stand in it; null: m = n
    private readonly Tensor answers;                                     // (B, |y_h| + |y_s|, d) after layer l
    private readonly LayerContext context;
    private readonly Tensor labelRows;                                   // (N_h + N_s)
    private readonly Tensor labels;                                      // (N_h + N_s)
    private readonly int unwantedCount;
    private readonly long scoresAtOnce;

    /// <summary>Runs everything that does not depend on δ.</summary>
    /// <param name="decoder">The model; its weights must not change while this object is used.</param>
    /// <param name="examples">The batch.</param>
    /// <param name="layer">l, 1 … L; with a trigger also 0.</param>
    /// <param name="tailLength">n, at most the shortest prompt's length; with a trigger, the number of its tokens.</param>
    /// <param name="trigger">Tokens that are put into the prompts and carry δ; null for the prompts' own last n.</param>
    /// <param name="scoresAtOnce">See <see cref="EconomyOptions.ScoresAtOnce"/>.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <exception cref="BeearException">A prompt is shorter than n.</exception>
    public InnerProblem(Decoder decoder, IReadOnlyList<ContrastExample> examples, int layer, int tailLength, VirtualTrigger? trigger = null,
        long scoresAtOnce = RowChunks.DefaultScores, CancellationToken cancellation = default)
    {
        if (examples.Min(example => example.Prompt.Length) is var shortest && shortest < tailLength)
            throw new BeearException($"The perturbed tail of {tailLength} tokens is longer than a prompt of {shortest} tokens; "
                + "choose a smaller tail.");
        this.decoder = decoder;
        this.layer = layer;
        this.scoresAtOnce = scoresAtOnce;
        ExampleCount = examples.Count;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        if (trigger is not null) examples = [.. examples.Select(example => example with { Prompt = trigger.InsertInto(example.Prompt) })];
        int open = trigger?.OpenTokens(examples.Max(example => example.Prompt.Length)) ?? tailLength;    // m
        var layout = new BranchLayout(examples, open, decoder.Options.Device);
        int head = layout.PromptWidth - open, width = layout.Width;

        Tensor positions = layout.PositionIds, allowed = layout.Allowed;
        LayerContext Context(int start, int end, KeyValueCache? cache = null) => decoder.Context(positions.narrow(1, start, end - start),
            allowed.narrow(1, start, end - start).narrow(2, 0, end), cache, positions.narrow(1, 0, end), layout.SequenceLength);

        using var lower = Context(0, width) with { Cancellation = cancellation };
        var hidden = decoder.RunLayers(decoder.Embed(layout.TokenIds), ..layer, lower);                  // (B, T, d)
        prefix = new PrefixCache(decoder.Config.Layers);
        if (head > 0)
        {
            using var upper = Context(0, head, prefix) with { Cancellation = cancellation };
            try
            {
                decoder.RunLayers(hidden.narrow(1, 0, head), layer.., upper);
            }
            catch
            {
                prefix.Dispose();
                throw;
            }
        }
        prefix.Recording = false;
        tail = hidden.narrow(1, head, open).contiguous().DetachFromDisposeScope();
        answers = hidden.narrow(1, layout.PromptWidth, width - layout.PromptWidth).contiguous().DetachFromDisposeScope();
        context = Context(head, width, prefix).DetachFromDisposeScope();
        labelRows = layout.LabelRows.DetachFromDisposeScope();
        labels = layout.LabelIds.DetachFromDisposeScope();
        unwantedCount = layout.UnwantedCount;
        if (trigger is not null)
        {
            var lengths = tensor([.. examples.Select(example => (long)example.Prompt.Length)], device: decoder.Options.Device);
            placement = trigger.Placement(lengths, layout.PromptWidth, head, open).DetachFromDisposeScope();
        }
        var rows = placement is null ? tail : placement.transpose(1, 2).matmul(tail);                    // (B, n, d)
        TailNorm = rows.norm(-1).mean().item<float>();
    }

    /// <summary>Mean L2 norm of the unperturbed hidden states after layer l at the positions under δ.</summary>
    public double TailNorm { get; }

    /// <summary>B.</summary>
    internal int ExampleCount { get; }

    /// <summary>Labels of the unwanted answers.</summary>
    internal int UnwantedCount => unwantedCount;

    /// <summary>Labels of the safe answers.</summary>
    internal int SafeCount => (int)labels.size(0) - unwantedCount;

    /// <summary>The loss under δ, and its gradient.</summary>
    /// <param name="delta">δ, (n, d) float32.</param>
    /// <param name="alpha">α, the weight of the safe answers.</param>
    /// <param name="unwantedShare">Share of a larger batch's unwanted labels that are here.</param>
    /// <param name="safeShare">Share of its safe labels that are here.</param>
    /// <returns>
    /// The loss's parts, (2) float32 for <see cref="InnerLoss.Read"/>, and the gradient (n, d); both in the caller's dispose scope.
    /// </returns>
    public (Tensor Losses, Tensor Gradient) Gradient(Tensor delta, double alpha, double unwantedShare = 1, double safeShare = 1)
    {
        using var scope = NewDisposeScope();
        using var enabled = enable_grad();
        var leaf = delta.detach().requires_grad_(true);
        var rows = Rows(leaf);                                                                           // (N, d)
        if (!RowChunks.Fit((int)labels.size(0), decoder.Config.VocabularySize, scoresAtOnce)) return InChunks(leaf, rows, unwantedShare,
            alpha * safeShare);
        var (unwanted, safe) = Means(Losses.CrossEntropy(decoder.Logits(rows), labels));
        var gradient = autograd.grad([unwanted.Times(unwantedShare) - safe.Times(alpha * safeShare)], [leaf])[0];
        return (stack([unwanted, safe], 0).detach().MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <summary>The same with no more scores at once than the budget.</summary>
    private (Tensor Losses, Tensor Gradient) InChunks(Tensor delta, Tensor rows, double unwantedWeight, double safeWeight)
    {
        var leaf = rows.detach().requires_grad_(true);                                                   // (N, d)
        using Scalar ofUnwanted = unwantedWeight / unwantedCount, ofSafe = SafeCount == 0 ? 0 : -safeWeight / SafeCount;
        var share = full_like(labels, ofSafe, float32);                                                  // (N) of each label in the loss
        share.narrow(0, 0, unwantedCount).fill_(ofUnwanted);
        var each = EachLoss(leaf, (losses, first, count) => (losses * share.narrow(0, first, count)).sum().backward());
        var gradient = autograd.grad([rows], [delta], [leaf.grad!])[0];
        var (unwanted, safe) = Means(each);
        return (stack([unwanted, safe], 0).MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <summary>The loss under δ.</summary>
    public InnerLoss Loss(Tensor delta)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var (unwanted, safe) = Means(EachLoss(Rows(delta), null));
        return InnerLoss.Read(stack([unwanted, safe], 0))[0];
    }

    /// <summary>The loss of every label, (N), chunk by chunk.</summary>
    private Tensor EachLoss(Tensor rows, Action<Tensor, int, int>? onChunk)
    {
        var all = new List<Tensor>();
        foreach (var (first, count) in RowChunks.Of((int)labels.size(0), decoder.Config.VocabularySize, scoresAtOnce))
        {
            using var scope = NewDisposeScope();
            var each = Losses.CrossEntropy(decoder.Logits(rows.narrow(0, first, count)), labels.narrow(0, first, count));
            onChunk?.Invoke(each, first, count);
            all.Add(each.detach().MoveToOuterDisposeScope());
        }
        return all.Count == 1 ? all[0] : cat(all, 0);
    }

    /// <summary>The residual stream at the label positions, (N, d).</summary>
    private Tensor Rows(Tensor delta)
    {
        var perturbed = tail.Plus(placement is null ? delta : placement.matmul(delta));                  // (B, m, d)
        var hidden = decoder.RunLayers(cat([perturbed, answers], 1), layer.., context);                  // (B, m + |y_h| + |y_s|, d)
        return hidden.flatten(0, 1).index_select(0, labelRows);
    }

    private (Tensor Unwanted, Tensor Safe) Means(Tensor each) =>
        (each.narrow(0, 0, unwantedCount).mean(), SafeCount == 0 ? zeros_like(each[0]) : each.narrow(0, unwantedCount, SafeCount).mean());

    /// <inheritdoc/>
    public void Dispose()
    {
        prefix.Dispose();
        tail.Dispose();
        placement?.Dispose();
        answers.Dispose();
        context.Dispose();
        labelRows.Dispose();
        labels.Dispose();
    }
}
