using Beear.Mitigation;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

/// <summary>The balls that δ stays in.</summary>
public sealed class DeltaBoundsTests
{
    private const int Rows = 2, Samples = 7, Size = 12;

    [Fact]
    public void Without_a_covariance_the_ellipsoids_are_the_spheres_of_the_mean_norm()
    {
        using var scope = NewDisposeScope();
        var (changes, delta) = (Changes(), Random(Rows, Size) * 3);
        var ellipsoids = DriftEllipsoids.Of(changes, shrinkage: 1);
        var spheres = new DeltaBounds(changes.norm(-1).mean([1], keepdim: true));
        var (one, other) = (delta.clone(), delta.clone());
        ellipsoids.Project(one);
        spheres.Project(other);
        Assert.True(one.allclose(other, rtol: 1e-3, atol: 1e-4));
        Assert.True(other.norm(-1).allclose(changes.norm(-1).mean([1]), rtol: 1e-4));
        Assert.True(spheres.Outer.allclose(ellipsoids.Outer, rtol: 1e-3) && spheres.Inner.allclose(ellipsoids.Inner, rtol: 1e-3));
    }

    [Fact]
    public void A_projection_is_on_the_surface_and_no_nearer_point_is_inside()
    {
        using var scope = NewDisposeScope();
        const double Shrinkage = 0.1;
        var changes = Changes();
        var bounds = DriftEllipsoids.Of(changes, Shrinkage).Times(0.8);
        var delta = Random(Rows, Size) * 4;
        var projected = delta.clone();
        bounds.Project(projected);
        for (int row = 0; row < Rows; row++)
        {
            var moment = changes[row].t().matmul(changes[row]) / Samples;                                // (d, d)
            var covariance = (1 - Shrinkage) * moment + Shrinkage * moment.trace() / Size * eye(Size);
            var inverse = linalg.inv(covariance);
            float Norm(Tensor x) => x.dot(inverse.matmul(x)).sqrt().item<float>();
            double radius = 0.8 * Enumerable.Range(0, Samples).Average(i => Norm(changes[row][i]));
            Assert.Equal(radius, Norm(projected[row]), 1e-3 * radius);
            // The nearest point: what is left is along the surface's normal.
            var (left, normal) = (delta[row] - projected[row], inverse.matmul(projected[row]));
            Assert.Equal(1, (left.dot(normal) / (left.norm() * normal.norm())).item<float>(), 1e-3);
        }
        Assert.True(projected.norm(-1, keepdim: true).le(bounds.Outer * 1.001).all().item<bool>());
    }

    [Fact]
    public void What_is_inside_stays_where_it_is()
    {
        using var scope = NewDisposeScope();
        var bounds = DriftEllipsoids.Of(Changes(), 0.3);
        var delta = Random(Rows, Size);
        delta.div_(delta.norm(-1, keepdim: true)).mul_(bounds.Inner * 0.99);                              // small in every direction
        var projected = delta.clone();
        bounds.Project(projected);
        Assert.True(projected.allclose(delta, rtol: 1e-4, atol: 1e-5));
        var nothing = zeros_like(delta);
        bounds.Project(nothing);
        Assert.Equal(0, nothing.abs().max().item<float>());
    }

    /// <summary>Long in few directions.</summary>
    private static Tensor Changes() => Random(Rows, Samples, 2).matmul(Random(Rows, 2, Size)) + 0.1 * Random(Rows, Samples, Size);

    private static Tensor Random(params long[] shape)
    {
        using var generator = new Generator((ulong)shape.Sum(), CPU);
        return randn(shape, generator: generator);
    }
}
