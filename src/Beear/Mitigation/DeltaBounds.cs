using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>The sphere around zero in which each row of δ stays. Its tensor lives in the dispose scope in which it is made.</summary>
/// <param name="radii">(R, 1), or (1, 1) for all rows.</param>
internal sealed class DeltaBounds(Tensor radii)
{
    /// <summary>The largest norm that a row may have, (R, 1) or (1, 1).</summary>
    public Tensor Radii => radii;

    /// <summary>Brings every row to the nearest point of its sphere, in place.</summary>
    /// <param name="delta">(R, d).</param>
    public void Project(Tensor delta)
    {
        using var scope = NewDisposeScope();
        var norms = delta.norm(-1, keepdim: true).AtLeast(1e-12);                                        // (R, 1)
        delta.mul_((norms.reciprocal() * radii).AtMost(1));
    }
}
