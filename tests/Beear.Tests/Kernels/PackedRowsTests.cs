using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class PackedRowsTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();
    private readonly Tensor rows = tensor(new long[] { 1, 2, 5, 8 });

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Taking_and_placing_equal_index_operations_with_their_gradients(ScalarType type)
    {
        KernelAssertions.SameResultAndGradients(x => PackedRows.Take(x[0], rows), x =>
            x[0].index_select(0, rows), type, Random(1, 9, 5).to_type(type));
        KernelAssertions.SameResultAndGradients(x => PackedRows.Place(x[0], rows, 9), x => zeros(9, 5).index_copy(0, rows, x[0]), type,
            Random(2, 4, 5).to_type(type));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 5)]
    [InlineData(ScalarType.Float32, 48)]
    [InlineData(ScalarType.BFloat16, 5)]
    [InlineData(ScalarType.BFloat16, 48)]
    public void Repeating_equals_index_operations_with_its_gradients_and_summing_is_its_transpose(ScalarType type, int width)
    {
        var sources = tensor(new long[] { 0, 2, 0, 1, 2, 2, 0 });                                        // row 3 has no copy
        KernelAssertions.SameResultAndGradients(x => PackedRows.Repeat(x[0], sources), x =>
            PackedRows.PlainRepeat(x[0], sources), type, Random(1, 4, width).to_type(type));
        var copies = Random(2, 7, width).to_type(type);
        var sums = zeros(4, width).index_add_(0, sources, copies.to_type(ScalarType.Float32), 1);
        KernelAssertions.AssertClose(sums, PackedRows.Sum(copies, sources, 4), type);
    }

    [Fact]
    public void A_row_that_is_not_there_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedRows.Take(Random(3, 8, 5), rows));
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedRows.Place(Random(3, 4, 5), rows - 2, 9));
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedRows.Repeat(Random(3, 8, 5), rows));
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedRows.Sum(Random(3, 4, 5), rows, 8));
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        KernelAssertions.LeavesNoTensors(x => PackedRows.Take(x[0], rows), Random(4, 9, 64));
        KernelAssertions.LeavesNoTensors(x => PackedRows.Place(x[0], rows, 9), Random(5, 4, 64));
        KernelAssertions.LeavesNoTensors(x => PackedRows.Repeat(x[0], rows), Random(6, 9, 64));
    }

    public void Dispose()
    {
        rows.Dispose();
        scope.Dispose();
    }

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));
}
