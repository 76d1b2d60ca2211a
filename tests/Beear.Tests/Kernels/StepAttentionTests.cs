using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class StepAttentionTests : IDisposable
{
    private const int Batch = 3, Groups = 2, Room = 64;
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(ScalarType.Float32, 1, 16, 1)]
    [InlineData(ScalarType.Float32, 3, 64, 45)]
    [InlineData(ScalarType.Float32, 2, 80, 32)]
    [InlineData(ScalarType.Float32, 2, 8, 20)]                           // no kernel for so small a head: the plain way
    [InlineData(ScalarType.BFloat16, 3, 64, 45)]
    [InlineData(ScalarType.BFloat16, 4, 128, 64)]
    public void It_equals_the_plain_one(ScalarType type, int repeat, int size, int keys)
    {
        // As a layer has them: queries beside keys and values, and a cache with room left.
        var queries = Random(1, Batch, (repeat + 2) * Groups, 1, size).to_type(type).narrow(1, 0, repeat * Groups);
        var (cachedKeys, cachedValues) = (Cached(2), Cached(3));
        var mask = zeros(Batch, 1, 1, keys).masked_fill_(arange(keys).remainder(3).eq(1), -1e30).to_type(type);

        var expected = StepAttention.Plain(Wide(queries), Wide(cachedKeys), Wide(cachedValues), Wide(mask), 0.3);
        var actual = StepAttention.Apply(queries, cachedKeys, cachedValues, mask, 0.3);

        Assert.Equal([Batch, 1, repeat * Groups * size], actual.shape);
        Assert.Equal(type, actual.dtype);
        KernelAssertions.AssertClose(expected, actual, type);

        Tensor Cached(ulong seed) => Random(seed, Batch, Groups, Room, size).to_type(type).narrow(2, 0, keys);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 3, 64)]
    [InlineData(ScalarType.BFloat16, 2, 32)]
    public unsafe void Sequences_of_different_lengths_have_rooms_of_their_own(ScalarType type, int repeat, int size)
    {
        (int Token, long Room, long First, long Last)[] sequences = [(2, 64, 0, 40), (0, 30, 5, 29), (3, 8, 0, 0)];
        var queries = Random(1, 1, repeat * Groups, 4, size).to_type(type);
        var (keys, values) = (Random(2, 1, Groups, 4, size).to_type(type), Random(3, 1, Groups, 4, size).to_type(type));
        var rooms = sequences.Select((sequence, i) => (Keys: Random((ulong)(10 + i), 1, Groups, sequence.Room, size).to_type(type),
            Values: Random((ulong)(20 + i), 1, Groups, sequence.Room, size).to_type(type))).ToArray();
        var before = rooms.Select(room => room.Keys.clone()).ToArray();
        var result = full([1, 4, repeat * Groups * size], 7f).to_type(type);

        StepAttention.Apply(queries, keys, values, [.. sequences.Zip(rooms, (sequence, room) => new SequenceStep(sequence.Token,
            (nint)TensorMemory.Address(room.Keys), (nint)TensorMemory.Address(room.Values), sequence.Room, sequence.First,
            sequence.Last))], result, 0.3);

        Assert.True(result.narrow(1, 1, 1).eq(7).all().item<bool>());                                    // no sequence's token
        foreach (var ((token, _, first, last), room, earlier) in sequences.Zip(rooms, before))
        {
            earlier.narrow(2, last, 1).copy_(keys.narrow(2, token, 1));
            Assert.True(earlier.equal(room.Keys).all().item<bool>());
            long seen = last + 1 - first;
            var expected = StepAttention.Plain(Wide(queries.narrow(2, token, 1)), Wide(room.Keys.narrow(2, first, seen)),
                Wide(room.Values.narrow(2, first, seen)), zeros(1, 1, 1, seen), 0.3);
            KernelAssertions.AssertClose(expected, result.narrow(1, token, 1), type);
        }
    }

    [Fact]
    public void Gradients_flow_where_they_are_needed()
    {
        var queries = Random(1, 1, 2, 1, 16).requires_grad_();
        StepAttention.Apply(queries, Random(2, 1, 2, 5, 16), Random(3, 1, 2, 5, 16), zeros(1, 1, 1, 5), 0.3).sum().backward();
        Assert.True(queries.grad!.abs().sum().item<float>() > 0);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 49)]
    [InlineData(ScalarType.BFloat16, 49)]                                // few values: many are equal
    [InlineData(ScalarType.BFloat16, 4096)]
    [InlineData(ScalarType.Float32, 3)]
    public void The_first_of_the_largest_is_found(ScalarType type, int width)
    {
        var rows = (Random(4, 40, width) * 2).round().to_type(type);
        rows[0].fill_(-1);
        rows[1, width - 1] = 99;

        var found = RowArgMax.Apply(rows).data<long>().ToArray();

        for (int row = 0; row < found.Length; row++)
        {
            float[] values = [.. rows[row].to_type(ScalarType.Float32).data<float>()];
            Assert.Equal(Array.IndexOf(values, values.Max()), found[row]);
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(4, true)]
    [InlineData(4, false)]
    public void New_rows_go_to_their_places_and_nowhere_else(int tokens, bool headsApart)
    {
        var room = full(Batch, Groups, Room, 16, 7f);
        var rows = headsApart ? Random(5, Batch, 3 * Groups, tokens, 16).narrow(1, Groups, Groups)
            : Random(5, Batch, tokens, Groups, 16).transpose(1, 2);
        var expected = room.clone();
        expected.narrow(2, 9, tokens).copy_(rows);

        CacheRows.Write(room, 9, rows);

        Assert.True(expected.equal(room).all().item<bool>());
    }

    private static Tensor Wide(Tensor tensor) => tensor.to_type(ScalarType.Float32);

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));

    public void Dispose() => scope.Dispose();
}
