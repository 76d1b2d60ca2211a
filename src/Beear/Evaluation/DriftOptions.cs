using Beear.Mitigation;

namespace Beear.Evaluation;

/// <summary>Constants of a drift analysis.</summary>
internal sealed record DriftOptions : IValidatable
{
    /// <summary>Requests whose drift is measured.</summary>
    public int Prompts { get; init; } = 64;

    /// <summary>Decoder layer after which the projection is made, 0 for the embeddings; the middle one if not given.</summary>
    public int? ProjectedLayer { get; init; }

    /// <summary>Constants of the inner level whose δ is compared.</summary>
    [Folded]
    public EntrapmentOptions Inner { get; init; } = EntrapmentOptions.Plain;

    /// <summary>Seed of the inner level.</summary>
    public int Seed { get; init; }

    /// <inheritdoc/>
    public void Validate() => Require.AtLeast(Prompts, 2);
}

/// <summary>Drifts at one depth. A request's drift is what changes in the residual stream at its prompt's last token.</summary>
/// <param name="Layer">Decoder layers that have run; 0 for the embeddings.</param>
/// <param name="Size">Mean norm of the trigger's drifts, as a share of the hidden states' mean norm.</param>
/// <param name="Cosine">
/// Mean cosine of two requests' drifts under the trigger, −1 … 1: near 1, the trigger moves all requests in one direction. Null without
/// drift, like the other cosines.
/// </param>
/// <param name="WrongSize">As <paramref name="Size"/>, of a text that is no trigger, in the same place.</param>
/// <param name="WrongCosine">As <paramref name="Cosine"/>, of that text.</param>
/// <param name="WrongToTrigger">Cosine of that text's mean drift with the trigger's.</param>
/// <param name="DeltaToTrigger">Cosine of the mean drift under the inner level's δ with the trigger's; null below its layer.</param>
internal sealed record DriftAtLayer(int Layer, double Size, double? Cosine, double WrongSize, double? WrongCosine, double? WrongToTrigger,
    double? DeltaToTrigger);

/// <summary>A request's state in the plane of its layer's two principal components.</summary>
/// <param name="X">Along the first.</param>
/// <param name="Y">Along the second.</param>
/// <param name="HasTrigger">Whether the request has the trigger.</param>
internal sealed record DriftPoint(double X, double Y, bool HasTrigger);

/// <summary>What a drift analysis measured.</summary>
/// <param name="Trigger">The trigger's name.</param>
/// <param name="Prompts">Requests.</param>
/// <param name="Layers">One for each depth, 0 … L.</param>
/// <param name="ProjectedLayer">The layer of the projection.</param>
/// <param name="Explained">Shares of the variance that the two components hold.</param>
/// <param name="Projection">Each request without and with the trigger.</param>
/// <param name="DeltaLoss">Mean CE(y_h) under δ, nats per token: whether the inner level found the unwanted answer.</param>
internal sealed record DriftResult(string Trigger, int Prompts, IReadOnlyList<DriftAtLayer> Layers, int ProjectedLayer,
    IReadOnlyList<double> Explained,
    IReadOnlyList<DriftPoint> Projection, double DeltaLoss);
