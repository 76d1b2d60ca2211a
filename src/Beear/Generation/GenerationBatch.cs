using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>One batch on its way through decoding. The caller holds the dispose scope and no_grad.</summary>
internal sealed class GenerationBatch
{
    private readonly Decoder decoder;
    private readonly IReadOnlySet<int> endOfTurn;
    private readonly TokenSampler sampler;
    private readonly IReadOnlyList<int[]> prompts;
    private readonly Perturbation? perturbation;
    private readonly List<int>[] answers;
    private readonly bool[] ended;

    public GenerationBatch(Decoder decoder, IReadOnlySet<int> endOfTurn, TokenSampler sampler, IReadOnlyList<int[]> prompts, Perturbation? perturbation)
    {
        (this.decoder, this.endOfTurn, this.sampler, this.prompts, this.perturbation) = (decoder, endOfTurn, sampler, prompts, perturbation);
        answers = [.. prompts.Select(_ => new List<int>())];
        ended = new bool[prompts.Count];
        int shortest = (int)(perturbation?.Delta.shape[0] ?? 1);
        if (prompts.FirstOrDefault(prompt => prompt.Length < shortest) is { } tooShort)
            throw new BeearException($"A prompt has only {tooShort.Length} tokens, fewer than the {shortest} that are needed; use a smaller tail or longer prompts.");
    }

    public Completion[] Run(int maxNewTokens, Action<int>? onToken, CancellationToken cancellation)
    {
        int count = prompts.Count, width = prompts.Max(prompt => prompt.Length);
        var alive = Enumerable.Range(0, count).ToArray();                // batch row → prompt
        using var cache = new GrowingCache(decoder.Config.Layers);
        var (mask, next) = Prefill(alive, width, cache);
        for (int step = 0; step < maxNewTokens; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var chosen = next.to(CPU).data<long>().ToArray();
            Record(chosen, alive, onToken);
            if (step + 1 == maxNewTokens || alive.All(i => ended[i])) break;
            if (alive.Count(i => ended[i]) * 2 >= alive.Length)
            {
                long[] kept = [.. Enumerable.Range(0, alive.Length).Where(row => !ended[alive[row]]).Select(row => (long)row)];
                alive = [.. kept.Select(row => alive[row])];
                var rows = tensor(kept, device: next.device);
                cache.KeepRows(rows);
                (mask, next) = (mask.index_select(0, rows), next.index_select(0, rows));
            }
            if (decoder.Config.RotatesAnewAt(width + step + 1))
            {
                cache.Clear();
                (mask, next) = Prefill(alive, width, cache);
            }
            else
            {
                var positions = alive.Select(i => (long)prompts[i].Length + step).ToArray();
                (mask, next) = Step(mask, next, positions, width + step + 1, cache);
            }
            mask.MoveToOuterDisposeScope();
            next.MoveToOuterDisposeScope();
        }
        return [.. answers.Select((tokens, i) => new Completion([.. tokens], ended[i]))];
    }

    /// <summary>A pass over the prompts and what was answered so far.</summary>
    private (Tensor Mask, Tensor Next) Prefill(int[] alive, int promptWidth, KeyValueCache cache)
    {
        using var scope = NewDisposeScope();
        int count = alive.Length, width = promptWidth + alive.Max(prompt => answers[prompt].Count);
        var ids = new long[count, width];
        var real = new bool[count, width];
        var positions = new long[count, width];
        for (int row = 0; row < count; row++)
        {
            int[] tokens = [.. prompts[alive[row]], .. answers[alive[row]]];
            int padding = width - tokens.Length;
            for (int i = 0; i < tokens.Length; i++)
                (ids[row, padding + i], real[row, padding + i], positions[row, padding + i]) = (tokens[i], true, i);
        }
        var device = decoder.Options.Device;
        var mask = tensor(real, device: device);                                                         // (B, P + answered)
        var hidden = decoder.HiddenStates(tensor(ids, device: device), mask, tensor(positions, device: device), perturbation, promptWidth, cache);
        var next = sampler.Next(decoder.Logits(hidden.select(1, width - 1)));                            // (B)
        return (mask.MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope());
    }

    private (Tensor Mask, Tensor Next) Step(Tensor mask, Tensor tokens, long[] positions, int sequenceLength, KeyValueCache cache)
    {
        var extended = cat([mask, ones(mask.shape[0], 1, ScalarType.Bool, mask.device)], 1);             // (B, S)
        var keyPositions = decoder.Config.SlidingWindow is null ? null : extended.cumsum(1) - 1;         // (B, S)
        using var context = decoder.Context(tensor(positions, device: mask.device).unsqueeze(1), extended.unsqueeze(1), cache, keyPositions, sequenceLength);
        var hidden = decoder.RunLayers(decoder.Embed(tokens.unsqueeze(1)), .., context);                 // (B, 1, d)
        return (extended, sampler.Next(decoder.Logits(hidden.squeeze(1))));
    }

    private void Record(long[] chosen, int[] alive, Action<int>? onToken)
    {
        for (int row = 0; row < alive.Length; row++)
        {
            int prompt = alive[row], token = (int)chosen[row];
            if (ended[prompt]) continue;
            if (endOfTurn.Contains(token))
            {
                ended[prompt] = true;
                continue;
            }
            answers[prompt].Add(token);
            onToken?.Invoke(token);
        }
    }
}
