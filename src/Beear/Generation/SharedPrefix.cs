using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>What all prompts of a call begin with, mostly the chat template's head: run once, for any number of batches.</summary>
internal sealed class SharedPrefix : IDisposable
{
    /// <summary>Fewer tokens are not worth a pass of their own.</summary>
    private const int WorthAPass = 8;

    private readonly GrowingCache cache;

    private SharedPrefix(GrowingCache cache, int length) => (this.cache, Length) = (cache, length);

    /// <summary>Tokens; fewer than the shortest prompt has.</summary>
    public int Length { get; }

    /// <summary>
    /// Runs what the prompts share; null if that is too little, or if the model rotates keys by the length of the whole sequence, so that
    /// one prompt's keys are not another's. The caller holds no_grad.
    /// </summary>
    public static SharedPrefix? Of(Decoder decoder, IReadOnlyList<int[]> prompts, CancellationToken cancellation = default)
    {
        if (prompts.Count < 2 || decoder.Config.RotaryDependsOnLength) return null;
        int length = prompts.Min(prompt => Math.Min(prompt.Length - 1, prompt.AsSpan().CommonPrefixLength(prompts[0])));
        if (length < WorthAPass) return null;
        using var scope = NewDisposeScope();
        var ids = tensor([.. prompts[0].Take(length).Select(id => (long)id)], [1, length], device: decoder.Options.Device);
        var recorded = new GrowingCache(decoder.Config.Layers);
        var positions = Arithmetic.Range(0, length, decoder.Options.Device).unsqueeze(0);                // (1, T)
        decoder.HiddenStates(ids, ones_like(ids, ScalarType.Bool), positions, cache: recorded, cancellation: cancellation);
        return new SharedPrefix(recorded, length);
    }

    /// <summary>A batch's cache that begins with the prefix in every row.</summary>
    public GrowingCache Repeat(long rows) => cache.Repeat(rows);

    /// <inheritdoc/>
    public void Dispose() => cache.Dispose();
}
