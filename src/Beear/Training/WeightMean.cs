using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>
/// The mean of weights over several steps (Izmailov et al., arXiv 1803.05407): what single batches do to the last few steps is averaged
/// out, and what all of them do stays. It is kept beside the weights in their own type, and the two can change places.
/// </summary>
/// <param name="parameters">Whose masters.</param>
internal sealed class WeightMean(IReadOnlyList<Parameter> parameters) : IDisposable
{
    private Tensor[]? kept;
    private int count;

    /// <summary>Begins a new mean.</summary>
    public void Clear() => count = 0;

    /// <summary>Takes the weights as they are into the mean.</summary>
    public void Add()
    {
        using var guard = no_grad();
        count++;
        kept ??= [.. parameters.Select(parameter => empty_like(parameter.Master, requires_grad: false).DetachFromDisposeScope())];
        for (int i = 0; i < kept.Length; i++)
        {
            using var scope = NewDisposeScope();
            var weights = parameters[i].Master.detach();
            if (count == 1) kept[i].copy_(weights);
            else if (weights.dtype == ScalarType.Float32) kept[i].lerp_(weights, 1.0 / count);
            else kept[i].copy_(where(Chosen(weights, i), weights, kept[i]));
        }
    }

    /// <summary>Puts the mean in the weights' place and keeps the weights, or the other way round.</summary>
    public void Exchange()
    {
        if (kept is null) throw new InvalidOperationException("There is no mean yet.");
        using var guard = no_grad();
        for (int i = 0; i < kept.Length; i++)
        {
            using var scope = NewDisposeScope();
            var weights = parameters[i].Master.detach();
            var before = weights.clone();
            weights.copy_(kept[i]);
            kept[i].copy_(before);
            parameters[i].SynchroniseCopy();
        }
    }

    /// <summary>What is kept beside the weights, by name, for checkpoints.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State() => [.. (kept ?? []).Select((weights, i) => ($"last.{i}", weights))];

    /// <summary>Keeps what a <see cref="State"/> held.</summary>
    /// <param name="read">Gives a tensor by its name.</param>
    public void Restore(Func<string, Tensor> read)
    {
        Dispose();
        kept = [.. parameters.Select((parameter, i) =>
        {
            using var saved = read($"last.{i}");
            return saved.to(parameter.Master.device, copy: true).DetachFromDisposeScope();
        })];
    }

    /// <summary>
    /// In bfloat16 a mean would lose what is smaller than its last digit. Each weight keeps the value of one of the steps instead, drawn at
    /// random, all equally likely: in the mean over weights nothing is lost.
    /// </summary>
    private Tensor Chosen(Tensor weights, int index)
    {
        using var generator = new Generator(unchecked((ulong)(count * 1_000_003 + index)), weights.device);
        return rand(weights.shape, float32, weights.device, generator: generator).IsBelow(1.0 / count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var weights in kept ?? []) weights.Dispose();
        kept = null;
    }
}
