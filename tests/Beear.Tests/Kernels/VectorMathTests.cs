using System.Runtime.Intrinsics;
using Beear.Kernels;

namespace Beear.Tests.Kernels;

public class VectorMathTests
{
    [Fact]
    public void The_exponential_is_that_of_float64_to_float32_precision()
    {
        for (var x = -87.2f; x < 88.2f; x += 0.00317f)
        {
            var exact = Math.Exp(x);
            Assert.Equal(1, VectorMath.Exp(Vector512.Create(x))[7] / exact, 3e-7);
        }
    }

    [Fact]
    public void The_exponential_ends_in_zero_infinity_and_nan()
    {
        Assert.Equal(0, VectorMath.Exp(Vector512.Create(float.NegativeInfinity))[0]);
        Assert.Equal(float.PositiveInfinity, VectorMath.Exp(Vector512.Create(1000f))[0]);
        Assert.Equal(float.NaN, VectorMath.Exp(Vector512.Create(float.NaN))[0]);
        Assert.Equal(1, VectorMath.Exp(Vector512<float>.Zero)[0]);
    }
}
