using Beear.Kernels;
using TorchSharp;

namespace Beear.Mitigation;

/// <summary>A batch of the inner level, in one or more parts that are prepared and run one after the other.</summary>
/// <param name="parts">At least one; disposed with this object.</param>
internal sealed class InnerBatch(IReadOnlyList<InnerProblem> parts) : IDisposable
{
    private readonly double unwanted = parts.Sum(part => part.UnwantedCount);
    private readonly double safe = Math.Max(1, parts.Sum(part => part.SafeCount));

    /// <summary>Mean norm of the hidden states under δ.</summary>
    public double TailNorm => parts.Sum(part => part.TailNorm * part.ExampleCount) / parts.Sum(part => part.ExampleCount);

    /// <summary>As <see cref="InnerProblem.Gradient"/>.</summary>
    public (torch.Tensor Losses, torch.Tensor Gradient) Gradient(torch.Tensor delta, double alpha)
    {
        if (parts is [var whole]) return whole.Gradient(delta, alpha);
        using var scope = torch.NewDisposeScope();
        var (losses, sum) = (torch.zeros(2, torch.float32, delta.device), torch.zeros_like(delta));
        foreach (var part in parts)
        {
            double unwantedShare = part.UnwantedCount / unwanted, safeShare = part.SafeCount / safe;
            var (loss, gradient) = part.Gradient(delta, alpha, unwantedShare, safeShare);
            losses.AddInPlace(torch.cat([loss.narrow(0, 0, 1).Times(unwantedShare), loss.narrow(0, 1, 1).Times(safeShare)], 0));
            sum.AddInPlace(gradient);
        }
        return (losses.MoveToOuterDisposeScope(), sum.MoveToOuterDisposeScope());
    }

    /// <summary>The loss under δ.</summary>
    public InnerLoss Loss(torch.Tensor delta) => Mean([.. parts.Select(part => part.Loss(delta))]);

    private InnerLoss Mean(List<InnerLoss> losses) => losses is [var whole] ? whole : new InnerLoss(
        losses.Zip(parts).Sum(pair => pair.First.Unwanted * pair.Second.UnwantedCount) / unwanted,
            losses.Zip(parts).Sum(pair => pair.First.Safe * pair.Second.SafeCount) / safe);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }
}
