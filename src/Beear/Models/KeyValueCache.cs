using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>Keys and values of earlier tokens, by layer: what a layer attends to besides the tokens it is given.</summary>
internal abstract class KeyValueCache : IDisposable
{
    /// <summary>Adds the new tokens' keys and values and returns all that they attend to.</summary>
    /// <param name="layer">Decoder layer.</param>
    /// <param name="keys">(B, G, T, D), rotated.</param>
    /// <param name="values">(B, G, T, D).</param>
    /// <returns>Keys and values (B, G, S, D), S = earlier tokens + T.</returns>
    public abstract (Tensor Keys, Tensor Values) Extend(int layer, Tensor keys, Tensor values);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the tensors.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>The cache of generation: written in place, its room grown in blocks.</summary>
/// <param name="layers">Decoder layers.</param>
/// <param name="block">Tokens of room that are added when it is full.</param>
internal sealed class GrowingCache(int layers, int block = 64) : KeyValueCache
{
    private readonly Tensor?[] keyRooms = new Tensor?[layers];           // each (B, G, room, D)
    private readonly Tensor?[] valueRooms = new Tensor?[layers];
    private readonly long[] lengths = new long[layers];

    /// <summary>Tokens held.</summary>
    public long Length => lengths[^1];

    /// <inheritdoc/>
    public override (Tensor Keys, Tensor Values) Extend(int layer, Tensor keys, Tensor values)
    {
        long count = keys.size(2), start = lengths[layer], end = start + count;
        keyRooms[layer] = WithRoom(keyRooms[layer], keys, start, end);
        valueRooms[layer] = WithRoom(valueRooms[layer], values, start, end);
        CacheRows.Write(keyRooms[layer]!, start, keys);
        CacheRows.Write(valueRooms[layer]!, start, values);
        lengths[layer] = end;
        return (keyRooms[layer]!.narrow(2, 0, end), valueRooms[layer]!.narrow(2, 0, end));
    }

    /// <summary>
    /// Makes place for one more token of its only row, whose key and value the caller writes: the addresses of both rooms, (1, G, room, D),
    /// the tokens that there is room for, and the new token's place.
    /// </summary>
    /// <param name="layer">Decoder layer.</param>
    /// <param name="like">(1, G, N, D): type and shape of keys and values.</param>
    public (nint Keys, nint Values, long Room, long Place) Next(int layer, Tensor like)
    {
        long place = lengths[layer]++;
        if (keyRooms[layer] is not { } room || room.size(2) <= place)
        {
            keyRooms[layer] = WithRoom(keyRooms[layer], like, place, place + 1);
            valueRooms[layer] = WithRoom(valueRooms[layer], like, place, place + 1);
        }
        return (Address(keyRooms[layer]!), Address(valueRooms[layer]!), keyRooms[layer]!.size(2), place);

        static unsafe nint Address(Tensor room) => (nint)TensorMemory.Address(room);
    }

    /// <summary>Keeps only the given rows of the batch, in this order: finished answers leave.</summary>
    /// <param name="rows">(B′) int64.</param>
    public void KeepRows(Tensor rows)
    {
        for (int layer = 0; layer < layers; layer++)
        {
            keyRooms[layer] = Keep(keyRooms[layer]!);
            valueRooms[layer] = Keep(valueRooms[layer]!);
        }

        Tensor Keep(Tensor room)
        {
            using (room) return room.index_select(0, rows).DetachFromDisposeScope();
        }
    }

    /// <summary>
    /// A cache of a larger batch, each row of which begins with this one's only row. Nothing is copied before tokens are added.
    /// </summary>
    /// <param name="rows">B.</param>
    public GrowingCache Repeat(long rows)
    {
        var repeated = new GrowingCache(layers, block);
        for (int layer = 0; layer < layers; layer++)
        {
            repeated.keyRooms[layer] = View(keyRooms[layer]!);
            repeated.valueRooms[layer] = View(valueRooms[layer]!);
            repeated.lengths[layer] = lengths[layer];
        }
        return repeated;

        // Without room for more: the first tokens that are added move to a room of their own.
        Tensor View(Tensor room)
        {
            using var used = room.narrow(2, 0, Length);                                                  // (1, G, used, D)
            return used.expand(rows, -1, -1, -1).DetachFromDisposeScope();                               // (B, G, used, D)
        }
    }

    /// <summary>Forgets all tokens.</summary>
    public void Clear()
    {
        Dispose(true);
        Array.Clear(keyRooms);
        Array.Clear(valueRooms);
        Array.Clear(lengths);
    }

    private Tensor WithRoom(Tensor? room, Tensor like, long used, long needed)
    {
        if (room is not null && room.size(2) >= needed) return room;
        long size = (needed + block - 1) / block * block;
        var larger = empty([like.size(0), like.size(1), size, like.size(3)], like.dtype, like.device).DetachFromDisposeScope();
        if (room is null) return larger;
        using (room) larger.narrow(2, 0, used).copy_(room.narrow(2, 0, used)).Dispose();
        return larger;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var room in keyRooms.Concat(valueRooms)) room?.Dispose();
    }
}

/// <summary>Keys and values of a prefix that never changes: recorded once, then read by any number of passes.</summary>
/// <param name="layers">Decoder layers.</param>
internal sealed class PrefixCache(int layers) : KeyValueCache
{
    private readonly Tensor?[] prefixKeys = new Tensor?[layers];         // each (B, G, prefix, D)
    private readonly Tensor?[] prefixValues = new Tensor?[layers];

    /// <summary>Whether the next passes are recorded; otherwise they are appended to what was recorded, without changing it.</summary>
    public bool Recording { get; set; } = true;

    /// <inheritdoc/>
    public override (Tensor Keys, Tensor Values) Extend(int layer, Tensor keys, Tensor values)
    {
        if (Recording)
        {
            prefixKeys[layer]?.Dispose();
            prefixValues[layer]?.Dispose();
            prefixKeys[layer] = keys.alias().DetachFromDisposeScope();
            prefixValues[layer] = values.alias().DetachFromDisposeScope();
            return (keys, values);
        }
        if (prefixKeys[layer] is not { } earlierKeys) return (keys, values);
        return (cat([earlierKeys, keys], 2), cat([prefixValues[layer]!, values], 2));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var tensor in prefixKeys.Concat(prefixValues)) tensor?.Dispose();
    }
}
