using Beear.Mitigation;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

/// <summary>The spheres that δ stays in.</summary>
public sealed class DeltaBoundsTests
{
    [Fact]
    public void Rows_outside_go_to_their_own_sphere_and_rows_inside_stay()
    {
        using var scope = NewDisposeScope();
        var delta = tensor(new float[,] { { 6, 8 }, { 0.3f, -0.4f }, { 0, 0 } });
        new DeltaBounds(tensor(new float[,] { { 5 }, { 0.5f }, { 2 } })).Project(delta);
        Assert.True(delta.allclose(tensor(new float[,] { { 3, 4 }, { 0.3f, -0.4f }, { 0, 0 } })));
    }

    [Fact]
    public void One_radius_serves_all_rows()
    {
        using var scope = NewDisposeScope();
        var delta = tensor(new float[,] { { 6, 8 }, { 0, -2 } });
        new DeltaBounds(ones(1, 1)).Project(delta);
        Assert.True(delta.allclose(tensor(new float[,] { { 0.6f, 0.8f }, { 0, -1 } })));
    }
}
