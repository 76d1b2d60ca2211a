using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>
/// One trainable tensor. <see cref="Master"/> holds the weights and is what is trained and saved; <see cref="Compute"/> is what
/// matrix products read: the same tensor, or its copy in the compute type, made once after each optimiser step and not for each use. Norms
/// and scalar heads are computed in float32 and have no copy.
/// </summary>
internal sealed class Parameter : IDisposable
{
    private readonly List<(Tensor Rows, Tensor Gradients)> rowGradients = [];

    internal Parameter(ParameterSlot slot, Tensor master, ScalarType computeType)
    {
        Slot = slot;
        Master = master;
        Compute = slot.Role.IsFloat32() || computeType == master.dtype ? master : master.to(computeType).DetachFromDisposeScope();
    }

    private Parameter(ParameterSlot slot, Tensor master, Tensor compute) => (Slot, Master, Compute) = (slot, master, compute);

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
        set => Compute.requires_grad_(value);
    }

    /// <summary>
    /// The gradient that the last backward passes left, in the type and shape of <see cref="Compute"/>; null if they left none.
    /// </summary>
    public Tensor? Gradient()
    {
        if (rowGradients.Count > 0) PlaceRowGradients();
        return Compute.grad;
    }

    /// <summary>Rows of the master, for embeddings; their gradients are kept as rows until the gradient is asked for.</summary>
    /// <param name="rows">(N) int64: which rows, each any number of times.</param>
    /// <returns>(N, …) float32.</returns>
    internal Tensor LookUp(Tensor rows) => RowLookUp.Apply(Master, Compute, rows, AddRowGradients);

    /// <summary>Adds gradients of single rows.</summary>
    /// <param name="rows">(N) int64: which rows, each any number of times.</param>
    /// <param name="gradients">(N, …) float32.</param>
    internal void AddRowGradients(Tensor rows, Tensor gradients) =>
        rowGradients.Add((rows.alias().DetachFromDisposeScope(), gradients.detach().DetachFromDisposeScope()));

    /// <summary>
    /// Adds the rows' gradients to that of the matrix; those of one row are summed in float32 first, for frequent tokens have many.
    /// </summary>
    private void PlaceRowGradients()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (distinct, places, _) = cat([.. rowGradients.Select(part => part.Rows)], 0).unique(return_inverse: true);
        var gradients = cat([.. rowGradients.Select(part => part.Gradients)], 0);                          // (N, …)
        var sums = zeros([distinct.size(0), .. gradients.shape.Skip(1)], float32, gradients.device)
            .index_add_(0, places!, gradients, Arithmetic.One);
        if (Compute.grad is null) Compute.grad = zeros_like(Compute, requires_grad: false);
        Compute.grad!.index_add_(0, distinct, sums.to(Compute.dtype), Arithmetic.One);
        ClearRowGradients();
    }

    private void ClearRowGradients()
    {
        foreach (var (rows, gradients) in rowGradients)
        {
            rows.Dispose();
            gradients.Dispose();
        }
        rowGradients.Clear();
    }

    /// <summary>Frees the gradients.</summary>
    public void ClearGradients()
    {
        ClearRowGradients();
        using var gradient = Compute.grad;
        if (gradient is not null) Compute.grad = null;
    }

    /// <summary>Copies the master weights into the compute copy; needed after every change of the master.</summary>
    public void SynchroniseCopy()
    {
        if (!HasCopy) return;
        using var guard = no_grad();
        Compute.copy_(Master);
    }

    /// <summary>A parameter with the same weights, which autograd follows or not whatever it does with this one.</summary>
    /// <param name="isShared">Whether it reads the very same memory: the weights must stand still while both exist.</param>
    internal Parameter Copy(bool isShared)
    {
        using var guard = no_grad();
        var master = Copied(Master);
        return new Parameter(Slot, master, HasCopy ? Copied(Compute) : master);

        Tensor Copied(Tensor weights)
        {
            using var scope = NewDisposeScope();
            var detached = weights.detach();
            return (isShared ? detached : detached.clone()).DetachFromDisposeScope();
        }
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
        ClearRowGradients();
        if (HasCopy) Compute.Dispose();
        Master.Dispose();
    }
}
