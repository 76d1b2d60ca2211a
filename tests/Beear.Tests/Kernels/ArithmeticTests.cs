using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Tests.Kernels;

/// <summary>TorchSharp's own operators are the reference, for type and bits.</summary>
public class ArithmeticTests
{
    private static readonly (string Name, Func<Tensor, Tensor> Ours, Func<Tensor, Tensor> Theirs)[] Cases =
    [
        ("sum", x => x.Plus(x.flip(0)), x => x + x.flip(0)),
        ("sum in place", x => x.clone().AddInPlace(x), x => x.clone().add_(x)),
        ("plus a fraction", x => x.Plus(0.3), x => x + 0.3),
        ("plus an integer", x => x.Plus(3), x => x + 3),
        ("minus an integer", x => x.Minus(3), x => x - 3),
        ("integer minus", x => 3L.Minus(x), x => 3L - x),
        ("times a fraction", x => x.Times(0.3), x => x * 0.3),
        ("times an integer", x => x.Times(3), x => 3 * x),
        ("over a fraction", x => x.Over(0.3), x => x / 0.3),
        ("over an integer", x => x.Over(3), x => x / 3),
        ("fraction over", x => 0.3.Over(x), x => 0.3 / x),
        ("square", x => x.Squared(), x => x.square()),
        ("at least", x => x.AtLeast(0.3), x => x.clamp_min(0.3)),
        ("at most", x => x.AtMost(0.3), x => x.clamp_max(0.3)),
        ("within", x => x.Within(-0.7, 1.1), x => x.clamp(-0.7, 1.1)),
        ("above", x => x.IsAbove(0.3), x => x > 0.3),
        ("below", x => x.IsBelow(0.3), x => x < 0.3),
        ("below an integer", x => x.IsBelow(1), x => x < 1),
        ("not below", x => x.IsAtLeast(0.3), x => x >= 0.3),
        ("not below an integer", x => x.IsAtLeast(1), x => x >= 1),
        ("masked", x => x.Masked(x < 0, 2.0), x => x.masked_fill(x < 0, 2.0)),
        ("masked by an integer", x => x.Masked(x < 0, -1), x => x.masked_fill(x < 0, -1)),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(one => one.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Results_are_those_of_the_operators(string name)
    {
        var (_, ours, theirs) = Cases.Single(one => one.Name == name);
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var drawn = randn(1001, generator: generator) * 3;
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float64, ScalarType.Int64 })
        {
            Tensor x = drawn.to(type), expected = theirs(x), found = ours(x);

            Assert.Equal(expected.dtype, found.dtype);
            Assert.True(expected.bytes.SequenceEqual(found.bytes), $"{name} of {type}");
        }
    }

    [Fact]
    public void A_range_is_that_of_arange()
    {
        using var scope = NewDisposeScope();

        Assert.True(arange(2, 9).bytes.SequenceEqual(Arithmetic.Range(2, 9).bytes));
        Assert.Equal(ScalarType.Int64, Arithmetic.Range(2, 9).dtype);
        Assert.True(arange(9, float32).bytes.SequenceEqual(Arithmetic.Range(0, 9, type: float32).bytes));
        Assert.Equal(0, Arithmetic.Range(4, 4).numel());
    }
}
