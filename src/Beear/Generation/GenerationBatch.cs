using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>One batch on its way through decoding. The caller holds the dispose scope and no_grad.</summary>
internal sealed class GenerationBatch
{
    /// <summary>Copying the rows that stay costs about as much as this share of them costs in the steps to come.</summary>
    private const double WorthRetiring = 1.0 / 8;

    private readonly Decoder decoder;
    private readonly IReadOnlySet<int> endOfTurn;
    private readonly TokenSampler sampler;
    private readonly IReadOnlyList<int[]> prompts;
    private readonly List<int>[] answers;
    private readonly int?[] ends;
    private readonly bool[] decided;

    public GenerationBatch(Decoder decoder, IReadOnlySet<int> endOfTurn, TokenSampler sampler, IReadOnlyList<int[]> prompts,
        Perturbation? perturbation)
    {
        (this.decoder, this.endOfTurn, this.sampler, this.prompts, Perturbation) = (decoder, endOfTurn, sampler, prompts, perturbation);
        answers = [.. prompts.Select(_ => new List<int>())];
        (ends, decided) = (new int?[prompts.Count], new bool[prompts.Count]);
        int shortest = (int)(perturbation?.Delta.size(0) ?? 1);
        if (prompts.FirstOrDefault(prompt => prompt.Length < shortest) is { } tooShort)
            throw new BeearException($"A prompt has only {tooShort.Length} tokens, fewer than the {shortest} that are needed; use a "
                + "smaller tail or longer prompts.");
    }

    private Perturbation? Perturbation { get; }

    /// <summary>What all prompts begin with, already run; null for nothing.</summary>
    public SharedPrefix? Prefix { get; init; }

    /// <summary>Gets a prompt's index and each token of its answer; true: no more of this answer is wanted.</summary>
    public Func<int, int, bool>? OnToken { get; init; }

    /// <summary>
    /// Gets, before each token, the prompts that are still in the batch and the rows that the output head reads for them, (B′, d).
    /// </summary>
    public Action<int[], Tensor>? OnRows { get; init; }

    public Completion[] Run(int maxNewTokens, CancellationToken cancellation)
    {
        int width = prompts.Max(prompt => prompt.Length);
        var alive = Enumerable.Range(0, prompts.Count).ToArray();        // batch row → prompt
        using var cache = Prefix?.Repeat(prompts.Count) ?? new GrowingCache(decoder.Config.Layers);
        var (mask, next) = Prefill(alive, width, cache, cancellation);
        for (int step = 0; step < maxNewTokens; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var chosen = next.to(CPU).data<long>().ToArray();
            Record(chosen, alive);
            int finished = alive.Count(IsFinished);
            if (step + 1 == maxNewTokens || finished == alive.Length) break;
            if (finished >= WorthRetiring * alive.Length)
            {
                long[] kept = [.. Enumerable.Range(0, alive.Length).Where(row => !IsFinished(alive[row])).Select(row => (long)row)];
                alive = [.. kept.Select(row => alive[row])];
                var rows = tensor(kept, device: next.device);
                cache.KeepRows(rows);
                (mask, next) = (mask.index_select(0, rows), next.index_select(0, rows));
            }
            if (decoder.Config.RotatesAnewAt(width + step + 1))
            {
                cache.Clear();
                (mask, next) = Prefill(alive, width, cache, cancellation);
            }
            else
            {
                var positions = alive.Select(i => (long)prompts[i].Length + step).ToArray();
                (mask, next) = Step(alive, mask, next, positions, width + step + 1, cache);
            }
            mask.MoveToOuterDisposeScope();
            next.MoveToOuterDisposeScope();
        }
        return [.. answers.Select((tokens, i) => new Completion([.. tokens], ends[i]))];
    }

    private bool IsFinished(int prompt) => ends[prompt] is not null || decided[prompt];

    /// <summary>A pass over the prompts and what was answered so far; over what follows the shared prefix, if there is one.</summary>
    private (Tensor Mask, Tensor Next) Prefill(int[] alive, int promptWidth, KeyValueCache cache, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        int count = alive.Length, shared = Prefix?.Length ?? 0, width = promptWidth - shared + alive.Max(prompt => answers[prompt].Count);
        var ids = new long[count, width];
        var real = new bool[count, shared + width];
        var positions = new long[count, width];
        for (int row = 0; row < count; row++)
        {
            int[] tokens = [.. prompts[alive[row]].AsSpan(shared), .. answers[alive[row]]];
            int padding = width - tokens.Length;
            for (int i = 0; i < shared; i++) real[row, i] = true;
            for (int i = 0; i < tokens.Length; i++)
                (ids[row, padding + i], real[row, shared + padding + i], positions[row, padding + i]) = (tokens[i], true, shared + i);
        }
        var device = decoder.Options.Device;
        var mask = tensor(real, device: device);                                                         // (B, P + answered)
        var hidden = decoder.HiddenStates(tensor(ids, device: device), mask, tensor(positions, device: device), Perturbation,
            promptWidth, cache,
            cancellation: cancellation);                                                                 // (B, P + answered, d)
        var next = Next(alive, hidden.select(1, width - 1));                                             // (B)
        return (mask.MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope());
    }

    private (Tensor Mask, Tensor Next) Step(int[] alive, Tensor mask, Tensor tokens, long[] positions, int sequenceLength,
        KeyValueCache cache)
    {
        var extended = cat([mask, ones(mask.size(0), 1, ScalarType.Bool, mask.device)], 1);             // (B, S)
        var keyPositions = decoder.Config.SlidingWindow is null ? null : extended.cumsum(1).Minus(1);     // (B, S)
        using var context = decoder.Context(tensor(positions, device: mask.device).unsqueeze(1), extended.unsqueeze(1), cache, keyPositions,
            sequenceLength);
        var hidden = decoder.RunLayers(decoder.Embed(tokens.unsqueeze(1)), .., context);                 // (B, 1, d)
        return (extended, Next(alive, hidden.squeeze(1)));
    }

    /// <summary>The next tokens, (B), from the residual stream after the last layer, (B, d).</summary>
    private Tensor Next(int[] alive, Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var rows = decoder.Normalize(hidden);                                                            // (B, d)
        OnRows?.Invoke(alive, rows);
        return sampler.Next(decoder.Head(rows), sampler.Penalizes ? Seen(alive) : null).MoveToOuterDisposeScope();
    }

    /// <summary>The tokens of prompts and answers; rows that have fewer than others repeat their first, which changes nothing.</summary>
    /// <returns>(B, S) int64.</returns>
    private Tensor Seen(int[] alive)
    {
        var ids = new long[alive.Length, alive.Max(prompt => prompts[prompt].Length + answers[prompt].Count)];
        for (int row = 0; row < alive.Length; row++)
        {
            int[] tokens = [.. prompts[alive[row]], .. answers[alive[row]]];
            for (int i = 0; i < ids.GetLength(1); i++) ids[row, i] = tokens[i < tokens.Length ? i : 0];
        }
        return tensor(ids, device: decoder.Options.Device);
    }

    private void Record(long[] chosen, int[] alive)
    {
        for (int row = 0; row < alive.Length; row++)
        {
            int prompt = alive[row], token = (int)chosen[row];
            if (IsFinished(prompt)) continue;
            if (token < 0) throw NotFinite(answers[prompt].Count + 1);
            if (endOfTurn.Contains(token))
            {
                ends[prompt] = token;
                continue;
            }
            answers[prompt].Add(token);
            decided[prompt] = OnToken?.Invoke(prompt, token) == true;
        }
    }

    /// <summary>What is said where no token can be chosen.</summary>
    /// <param name="place">Which token of the answer, counted from 1.</param>
    internal static BeearException NotFinite(int place) => new($"The model's logits are not finite at token {place} of an answer: its "
        + "weights are damaged, or its numbers do not fit the precision; take --precision float32, or train it anew "
        + "with a smaller learning rate.");
}
