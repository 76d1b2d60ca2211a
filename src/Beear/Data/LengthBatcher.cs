namespace Beear.Data;

/// <summary>
/// Shuffles examples into batches of similar length, so that little is spent on padding while every epoch still meets the data in
/// another order.
/// </summary>
internal static class LengthBatcher
{
    /// <summary>
    /// Shuffles, sorts by length within windows of several batches, cuts into batches, and shuffles the batches. The same arguments
    /// give the same batches on every machine.
    /// </summary>
    /// <param name="lengths">The length of each example, in tokens.</param>
    /// <param name="batchSize">Examples in a batch, at least 1; one batch is smaller where it does not divide the count.</param>
    /// <param name="seed">Decides the order; give each epoch its own.</param>
    /// <param name="windowBatches">
    /// Batches in a window, at least 1. 1 shuffles only; more batches mean less padding and less mixing.
    /// </param>
    /// <returns>Indices into <paramref name="lengths"/>, every one exactly once.</returns>
    public static IReadOnlyList<int[]> Batches(IReadOnlyList<int> lengths, int batchSize, int seed, int windowBatches = 8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(windowBatches, 1);
        var random = new Random(seed);
        var order = Enumerable.Range(0, lengths.Count).ToArray();
        random.Shuffle(order);
        var windowSize = (int)Math.Min((long)batchSize * windowBatches, Math.Max(order.Length, 1));
        var batches = order.Chunk(windowSize)
            .Select(window => window.OrderBy(index => lengths[index]))          // stable: equal lengths keep their shuffled order
            .SelectMany(window => window.Chunk(batchSize))
            .ToArray();
        random.Shuffle(batches);
        return batches;
    }

    /// <summary>As <see cref="Batches(IReadOnlyList{int}, int, int, int)"/>, by the length of prompt and answer together.</summary>
    public static IReadOnlyList<IReadOnlyList<TokenizedExample>> Batches(
        IReadOnlyList<TokenizedExample> examples, int batchSize, int seed, int windowBatches = 8) =>
            [.. Batches([.. examples.Select(example => example.Length)], batchSize, seed, windowBatches)
                .Select(batch => Array.ConvertAll(batch, index => examples[index]))];
}
