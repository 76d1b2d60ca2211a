using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// One trainable tensor. <see cref="Master"/> holds the weights and is what is trained and saved; <see cref="Compute"/> is what
/// matrix products read: the same tensor, or its copy in the compute type, made once after each optimiser step and not for each use. Norms are
/// computed in float32 and have no copy.
/// </summary>
public sealed class Parameter : IDisposable
{
    internal Parameter(ParameterSlot slot, Tensor master, ScalarType computeType)
    {
        Slot = slot;
        Master = master;
        Compute = slot.Role.IsNorm() || computeType == master.dtype ? master : master.to(computeType).DetachFromDisposeScope();
    }

    /// <summary>Its role and the checkpoint tensors that it is made of.</summary>
    public ParameterSlot Slot { get; }

    /// <summary>A readable name: the checkpoint's names joined.</summary>
    public string Name => string.Join('+', Slot.Parts.Select(part => part.Name));

    /// <summary>The weights, float32 (or the stored type of a model that is only read).</summary>
    public Tensor Master { get; }

    /// <summary>The weights in the compute type; the same object as <see cref="Master"/> when the types agree.</summary>
    public Tensor Compute { get; }

    /// <summary>Whether a separate copy in the compute type exists.</summary>
    public bool HasCopy => !ReferenceEquals(Master, Compute);

    /// <summary>Whether autograd follows this parameter.</summary>
    public bool RequiresGradient
    {
        get => Compute.requires_grad;
        set
        {
            Master.requires_grad_(value);
            if (HasCopy) Compute.requires_grad_(value);
        }
    }

    /// <summary>
    /// The gradients that the last backward passes left: of the copy (matrix products), of the master (embedding look-ups, which
    /// accumulate in float32), or of both where the two uses are tied.
    /// </summary>
    public IEnumerable<Tensor> Gradients()
    {
        if (Compute.grad is { } gradient) yield return gradient;
        if (HasCopy && Master.grad is { } masterGradient) yield return masterGradient;
    }

    /// <summary>Adds gradients of single rows to that of the copy; those of one row are summed in float32 first.</summary>
    /// <param name="rows">(N) int64: which rows, each any number of times.</param>
    /// <param name="gradients">(N, …) float32.</param>
    internal void AddRowGradients(Tensor rows, Tensor gradients)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (distinct, places, _) = rows.unique(return_inverse: true);
        var sums = zeros([distinct.size(0), .. gradients.shape.Skip(1)], float32, gradients.device).index_add_(0, places!, gradients, 1);
        if (Compute.grad is null) Compute.grad = zeros_like(Compute, requires_grad: false);
        Compute.grad!.index_add_(0, distinct, sums.to(Compute.dtype), 1);
    }

    /// <summary>Frees the gradients.</summary>
    public void ClearGradients()
    {
        ClearGradient(Compute);
        if (HasCopy) ClearGradient(Master);

        static void ClearGradient(Tensor tensor)
        {
            using var gradient = tensor.grad;
            if (gradient is not null) tensor.grad = null;
        }
    }

    /// <summary>Copies the master weights into the compute copy; needed after every change of the master.</summary>
    public void SynchroniseCopy()
    {
        if (!HasCopy) return;
        using var guard = no_grad();
        Compute.copy_(Master);
    }

    /// <summary>The checkpoint tensors as views of the master, in their Hugging Face names and shapes.</summary>
    public IEnumerable<(string Name, Tensor Value)> Split() => Split(Master);

    /// <summary>Splits a tensor of this parameter's shape (such as a gradient) into its checkpoint parts, as views.</summary>
    public IEnumerable<(string Name, Tensor Value)> Split(Tensor stacked)
    {
        long row = 0;
        foreach (var part in Slot.Parts)
        {
            yield return (part.Name, stacked.narrow(0, row, part.Shape[0]));
            row += part.Shape[0];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (HasCopy) Compute.Dispose();
        Master.Dispose();
    }
}
