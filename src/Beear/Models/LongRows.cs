using Beear.Kernels;

namespace Beear.Models;

/// <summary>What sequences of thousands of tokens need: memory by the square of their length.</summary>
internal static class LongRows
{
    /// <summary>Places of a batch's mask, B·T², beyond which fewer sequences are run together; usual batches have far fewer.</summary>
    internal const long MostPlaces = 1L << 24;

    /// <summary>Divides batches in which one long sequence would make a wide rectangle of many.</summary>
    /// <param name="batches">Batches; none empty.</param>
    /// <param name="length">Tokens of a sequence.</param>
    /// <returns>The same sequences in the same order, in batches of at most <see cref="MostPlaces"/>, or of one.</returns>
    public static IEnumerable<T[]> Divided<T>(this IEnumerable<T[]> batches, Func<T, long> length) => batches.SelectMany(batch =>
        batch.Length == 1 || batch.Length * Square(batch.Max(length)) <= MostPlaces ? [batch]
            : new[] { batch[..(batch.Length / 2)], batch[(batch.Length / 2)..] }.Divided(length));

    /// <summary>How many sequences of a length are run together, of those that are asked for.</summary>
    public static long Together(long asked, long length) => Math.Clamp(MostPlaces / Math.Max(1, Square(length)), 1, asked);

    /// <summary>
    /// Bytes that attention takes at least while a batch is read without gradients: what may see what, and a slice of scores and shares.
    /// </summary>
    /// <param name="config">The model.</param>
    /// <param name="batch">B.</param>
    /// <param name="length">T.</param>
    /// <param name="compute">Bytes of a number in matrix products.</param>
    public static long Reading(ModelConfig config, long batch, long length, long compute)
    {
        long places = batch * Square(length),
            kinds = (config.HasFullAttention ? compute : 0) + (config.SlidingWindow is null ? 0 : compute + Distance);
        return places * (kinds + Allowed) + 2 * compute * Math.Min(places * config.QueryHeads, GroupedAttention.MostScores);
    }

    /// <summary>Bytes that attention takes at least in a step of training: the shares of every layer are kept.</summary>
    /// <inheritdoc cref="Reading(ModelConfig, long, long, long)"/>
    public static long Training(ModelConfig config, long batch, long length, long compute) =>
        batch * Square(length) * config.QueryHeads * config.Layers * compute;

    /// <summary>What a prompt of so many tokens takes at least, whatever is done with it.</summary>
    public static Func<int, long> Reading(ModelConfig config) => tokens => Reading(config, 1, tokens, Smallest);

    /// <summary>What a step of training takes at least whose batch has a prompt of so many tokens.</summary>
    public static Func<int, long> Training(ModelConfig config, long batch) => tokens => Training(config, batch, tokens, Smallest);

    private const long Smallest = 2;                                     // bytes of a bfloat16

    private const long Allowed = 2, Distance = 8;

    private static long Square(long length) => length * length;
}
