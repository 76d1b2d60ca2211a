using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>New tokens' keys or values written into the room that a cache has for them.</summary>
internal static unsafe class CacheRows
{
    private const int BlocksInChunk = 64;

    /// <summary>room[:, :, start : start + T] = rows.</summary>
    /// <param name="room">(B, G, ≥ start + T, D), contiguous.</param>
    /// <param name="start">Tokens that it holds already.</param>
    /// <param name="rows">(B, G, T, D) of the same type; also a view whose heads lie apart.</param>
    public static void Write(Tensor room, long start, Tensor rows)
    {
        long[] shape = rows.shape, from = rows.stride(), to = room.stride();
        if (rows.device_type != DeviceType.CPU || rows.dtype != room.dtype || from[3] != 1 || (from[2] != shape[3] && shape[2] > 1))
        {
            using var place = room.narrow(2, start, shape[2]);
            place.copy_(rows);
            return;
        }
        long element = rows.element_size(), bytes = shape[2] * shape[3] * element, groups = shape[1];
        byte* source = (byte*)TensorMemory.StridedAddress(rows), target = (byte*)TensorMemory.Address(room) + (start * to[2] * element);
        Chunks.OfRows(shape[0] * groups, BlocksInChunk, bytes, (first, end) =>
        {
            for (var block = first; block < end; block++)
            {
                var (row, group) = (block / groups, block % groups);
                Buffer.MemoryCopy(source + (((row * from[0]) + (group * from[1])) * element),
                    target + (((row * to[0]) + (group * to[1])) * element), bytes, bytes);
            }
        });
        GC.KeepAlive((room, rows));
    }
}
