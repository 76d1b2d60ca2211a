using Beear.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

public sealed class ResidualSumTests : IDisposable
{
    private readonly DisposeScope scope = KernelAssertions.Begin();

    [Theory]
    [InlineData(3)]
    [InlineData(131)]
    public void Result_and_gradients_equal_the_plain_ones(int rows) =>
        KernelAssertions.SameResultAndGradients(x => ResidualSum.Apply(x[0], x[1]), x => ResidualSum.Plain(x[0], x[1]), ScalarType.BFloat16, Inputs(rows));

    [Fact]
    public void No_tensor_is_left_behind() => KernelAssertions.LeavesNoTensors(x => ResidualSum.Apply(x[0], x[1]), Inputs(7));

    public void Dispose() => scope.Dispose();

    private static Tensor[] Inputs(int rows) => [Random(1, rows), Random(2, rows).to_type(ScalarType.BFloat16)];

    private static Tensor Random(ulong seed, int rows) => randn([rows, 48], generator: new Generator(seed));
}
