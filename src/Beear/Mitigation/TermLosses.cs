using Beear.Kernels;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>The losses of a step's terms. They stay on the device until they are read: on a GPU each reading waits for all work.</summary>
/// <param name="terms">The terms' names, in the order in which they are read.</param>
internal sealed class TermLosses(IEnumerable<string> terms) : IDisposable
{
    private readonly List<string> names = [.. terms];
    private readonly Dictionary<string, Tensor> sums = [];

    /// <summary>Adds to a term's loss.</summary>
    /// <param name="term">Its name; a new one comes last.</param>
    /// <param name="loss">A scalar.</param>
    /// <param name="share">Its factor.</param>
    public void Add(string term, Tensor loss, double share = 1)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var part = loss.detach().Times(share);
        if (!names.Contains(term)) names.Add(term);
        if (sums.TryGetValue(term, out var sum)) sum.AddInPlace(part);
        else sums[term] = part.DetachFromDisposeScope();
    }

    /// <summary>All losses by name; a term that had none is not there.</summary>
    /// <param name="step">The step that they are of, 1 for the first.</param>
    /// <exception cref="BeearException">One is not finite.</exception>
    public IReadOnlyDictionary<string, double> Read(int step) => names.Where(sums.ContainsKey).ToDictionary(name => name,
        name => AdamW.FiniteLoss(sums[name].item<float>(), step, name));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var sum in sums.Values) sum.Dispose();
    }
}
