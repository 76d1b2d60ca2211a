using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>The ball around zero in which each row of δ stays: a sphere, unless derived otherwise. Its tensors live in the dispose scope in which it is made.</summary>
/// <param name="radii">(R, 1), or (1, 1) for all rows; +∞ for no bound.</param>
internal class DeltaBounds(Tensor radii)
{
    /// <summary>Radii in the ball's own norm, (R, 1) or (1, 1).</summary>
    protected Tensor Radii => radii;

    /// <summary>The largest norm that a row may have in any direction, (R, 1) or (1, 1).</summary>
    public virtual Tensor Outer => radii;

    /// <summary>A ball of the same shape and another size.</summary>
    public virtual DeltaBounds Times(double factor) => new(radii * factor);

    /// <summary>The largest norm that a row may have in every direction, (R, 1) or (1, 1).</summary>
    public virtual Tensor Inner => radii;

    /// <summary>Brings every row to the nearest point of its ball, in place.</summary>
    /// <param name="delta">(R, d).</param>
    public virtual void Project(Tensor delta)
    {
        using var scope = NewDisposeScope();
        var norms = delta.norm(-1, keepdim: true).clamp_min(1e-12);                                      // (R, 1)
        delta.mul_((norms.reciprocal() * radii).clamp_max(1));
    }
}

/// <summary>
/// Ellipsoids {x : xᵀ Σ⁻¹ x ≤ r²} with Σ the second moment of measured changes, shrunk toward a sphere of the same trace. N changes have at most N
/// directions; all others share one variance.
/// </summary>
internal sealed class DriftEllipsoids : DeltaBounds
{
    private const int Halvings = 40;
    private readonly Tensor axes;                                        // (R, N, d): orthonormal
    private readonly Tensor variances;                                   // (R, N)
    private readonly Tensor rest;                                        // (R, 1): variance in every direction that is no axis

    private DriftEllipsoids(Tensor axes, Tensor variances, Tensor rest, Tensor radii) : base(radii) => (this.axes, this.variances, this.rest) = (axes, variances, rest);

    /// <summary>The ellipsoids whose surface a change reaches on average.</summary>
    /// <param name="changes">(R, S, d): S changes of each row.</param>
    /// <param name="shrinkage">Share of the sphere in Σ, above 0 to 1.</param>
    public static DriftEllipsoids Of(Tensor changes, double shrinkage)
    {
        using var scope = NewDisposeScope();
        long samples = changes.size(1);
        var (_, scales, directions) = linalg.svd(changes.cpu(), fullMatrices: false);                    // (R, N), (R, N, d): many small ones
        (scales, directions) = (scales.to(changes.device), directions.to(changes.device));
        var sphere = shrinkage * changes.pow(2).sum(-1).mean([1]).unsqueeze(1).div(changes.size(2)).clamp_min(1e-12);   // (R, 1)
        var along = (1 - shrinkage) * scales.pow(2) / samples + sphere;                                // (R, N)
        var seen = changes.matmul(directions.transpose(1, 2));                                           // (R, S, N)
        var radii = (seen.pow(2) / along.unsqueeze(1)).sum(-1).sqrt().mean([1], keepdim: true);     // (R, 1)
        return new DriftEllipsoids(directions.MoveToOuterDisposeScope(), along.MoveToOuterDisposeScope(), sphere.MoveToOuterDisposeScope(), radii.MoveToOuterDisposeScope());
    }

    public override Tensor Outer => Radii * variances.amax([1], keepdim: true).sqrt();

    public override DeltaBounds Times(double factor) => new DriftEllipsoids(axes, variances, rest, Radii * factor);

    public override Tensor Inner => Radii * rest.sqrt();

    /// <inheritdoc/>
    public override void Project(Tensor delta)
    {
        // The nearest point is Σ (Σ + μ)⁻¹ δ with the least μ ≥ 0 that is allowed, which halving finds.
        using var scope = NewDisposeScope();
        var along = axes.matmul(delta.unsqueeze(-1)).squeeze(-1);                                        // (R, N)
        var across = (delta.pow(2).sum(-1, keepdim: true) - along.pow(2).sum(-1, keepdim: true)).clamp_min(0);   // (R, 1): squared
        var allowed = Radii.pow(2);
        var (low, high) = (zeros_like(rest), (variances.amax([1], keepdim: true).sqrt() * delta.norm(-1, keepdim: true) / Radii).clamp_min(1e-30));
        for (int i = 0; i < Halvings; i++)
        {
            using var halving = NewDisposeScope();
            var middle = (low + high) / 2;
            var isOutside = Reach(middle).gt(allowed);
            (low, high) = (where(isOutside, middle, low).MoveToOuterDisposeScope(), where(isOutside, high, middle).MoveToOuterDisposeScope());
        }
        var multiplier = where(Reach(zeros_like(rest)).le(allowed), zeros_like(rest), high);              // (R, 1)
        var common = rest / (rest + multiplier);                                                         // (R, 1)
        var extra = along * (variances / (variances + multiplier) - common);                             // (R, N)
        delta.mul_(common).add_(extra.unsqueeze(1).matmul(axes).squeeze(1));

        Tensor Reach(Tensor mu) => (along.pow(2) * variances / (variances + mu).pow(2)).sum(-1, keepdim: true) + across * rest / (rest + mu).pow(2);
    }
}
