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
        KernelAssertions.SameResultAndGradients(x => PackedRows.Take(x[0], rows), x => x[0].index_select(0, rows), type, Random(1, 9, 5).to_type(type));
        KernelAssertions.SameResultAndGradients(x => PackedRows.Place(x[0], rows, 9), x => zeros(9, 5).index_copy(0, rows, x[0]), type,
            Random(2, 4, 5).to_type(type));
    }

    [Fact]
    public void A_row_that_is_not_there_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedRows.Take(Random(3, 8, 5), rows));
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedRows.Place(Random(3, 4, 5), rows - 2, 9));
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        KernelAssertions.LeavesNoTensors(x => PackedRows.Take(x[0], rows), Random(4, 9, 64));
        KernelAssertions.LeavesNoTensors(x => PackedRows.Place(x[0], rows, 9), Random(5, 4, 64));
    }

    public void Dispose()
    {
        rows.Dispose();
        scope.Dispose();
    }

    private static Tensor Random(ulong seed, params long[] shape) => randn(shape, generator: new Generator(seed));
}
