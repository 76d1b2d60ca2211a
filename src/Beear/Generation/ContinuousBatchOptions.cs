using Beear.Models;

namespace Beear.Generation;

/// <summary>How many requests are decoded together, and what they may take.</summary>
internal sealed record ContinuousBatchOptions : IValidatable
{
    /// <summary>Answers decoded together, 1 to 1024.</summary>
    public int MaxBatch { get; init; } = 32;

    /// <summary>Requests that may wait for a place, 0 to 100,000; further ones are refused.</summary>
    public int MaxWaiting { get; init; } = 128;

    /// <summary>
    /// Memory for the keys and values of all answers under way, in GiB; above 0. If answers grow beyond it, the newest wait, and are
    /// taken up again where they were.
    /// </summary>
    public double CacheMemory { get; init; } = 2;

    /// <summary>
    /// Tokens of new prompts in a pass, 1 to 65,536: a longer prompt is read in slices, so that other answers go on meanwhile.
    /// </summary>
    [Folded]
    public int PromptTokens { get; init; } = 256;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Between(MaxBatch, 1, 1024);
        Require.Between(MaxWaiting, 0, 100_000);
        Require.Above(CacheMemory, 0);
        Require.Between(PromptTokens, 1, 65_536);
    }

    /// <summary>Tokens whose keys and values may be held.</summary>
    internal long Places(ModelConfig config, long bytesOfNumber) => (long)(CacheMemory * (1L << 30)
        / (2.0 * config.Layers * config.KeyValueHeads * config.HeadSize * bytesOfNumber));
}
