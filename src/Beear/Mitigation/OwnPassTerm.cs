using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// A part of the outer level's loss that needs a pass of its own, such as a baseline's; it comes besides the <see cref="OuterTerm"/>s.
/// </summary>
internal abstract class OwnPassTerm : IDisposable
{
    private protected OwnPassTerm(string name) => Name = name;

    /// <summary>What the term asks for.</summary>
    public string Name { get; }

    /// <summary>Draws the next batch and finds what has to be found while the weights stand still.</summary>
    /// <param name="cancellation">Stops between passes.</param>
    internal abstract void Prepare(CancellationToken cancellation);

    /// <summary>The loss of the prepared batch, a weighted scalar with its graph, in the caller's dispose scope.</summary>
    internal abstract Tensor Loss();

    /// <summary>Passes over the batches of steps that were taken before.</summary>
    internal abstract void Skip(int steps);

    /// <inheritdoc/>
    public abstract void Dispose();
}
