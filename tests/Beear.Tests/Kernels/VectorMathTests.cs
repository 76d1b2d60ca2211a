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
    public void The_exponential_stays_finite_and_keeps_nan()
    {
        Assert.InRange(VectorMath.Exp(Vector512.Create(float.NegativeInfinity))[0], 0, 1.3e-38f);
        Assert.InRange(VectorMath.Exp(Vector512.Create(1000f))[0], 2e38f, float.MaxValue);
        Assert.Equal(float.NaN, VectorMath.Exp(Vector512.Create(float.NaN))[0]);
        Assert.Equal(1, VectorMath.Exp(Vector512<float>.Zero)[0]);
    }
}
