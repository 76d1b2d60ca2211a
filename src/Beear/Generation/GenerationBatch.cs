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
        var (mask, next) = Prefill(width, cache);
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
            var positions = alive.Select(i => (long)prompts[i].Length + step).ToArray();
            (mask, next) = Step(mask, next, positions, cache);
            mask.MoveToOuterDisposeScope();
            next.MoveToOuterDisposeScope();
        }
        return [.. answers.Select((tokens, i) => new Completion([.. tokens], ended[i]))];
    }

    private (Tensor Mask, Tensor Next) Prefill(int width, KeyValueCache cache)
    {
        using var scope = NewDisposeScope();
        int count = prompts.Count;
        var ids = new long[count, width];
        var real = new bool[count, width];
        var positions = new long[count, width];
        for (int row = 0; row < count; row++)
        {
            int padding = width - prompts[row].Length;
            for (int i = 0; i < prompts[row].Length; i++)
                (ids[row, padding + i], real[row, padding + i], positions[row, padding + i]) = (prompts[row][i], true, i);
        }
        var device = decoder.Options.Device;
        var mask = tensor(real, device: device);                                                         // (B, P)
        var hidden = decoder.HiddenStates(tensor(ids, device: device), mask, tensor(positions, device: device), perturbation, width, cache);
        var next = sampler.Next(decoder.Logits(hidden.select(1, width - 1)));                            // (B)
        return (mask.MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope());
    }

    private (Tensor Mask, Tensor Next) Step(Tensor mask, Tensor tokens, long[] positions, KeyValueCache cache)
    {
        var extended = cat([mask, ones(mask.shape[0], 1, ScalarType.Bool, mask.device)], 1);             // (B, S)
        using var context = decoder.Context(tensor(positions, device: mask.device).unsqueeze(1), extended.unsqueeze(1), cache);
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
