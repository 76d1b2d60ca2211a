using Beear.Checkpoints;
using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Models;

/// <summary>All weights of a decoder, by layer and role; the one list that optimisers, savers and tests go through.</summary>
internal sealed class DecoderWeights : IDisposable
{
    private readonly ModelConfig config;
    private readonly Dictionary<(int Layer, ParameterRole Role), Parameter> byRole;

    private DecoderWeights(ModelConfig config, IReadOnlyList<Parameter> parameters)
    {
        this.config = config;
        Parameters = parameters;
        byRole = parameters.ToDictionary(parameter => (parameter.Slot.Layer, parameter.Slot.Role));
    }

    /// <summary>Every parameter once, in the order of the layers.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The parameter of a role, or null where the model has none.</summary>
    internal Parameter? Find(int layer, ParameterRole role) => byRole.GetValueOrDefault((layer, role));

    internal Parameter this[int layer, ParameterRole role] => byRole[(layer, role)];

    /// <summary>Freezes or thaws all weights.</summary>
    public void RequireGradients(bool value)
    {
        foreach (var parameter in Parameters) parameter.RequiresGradient = value;
    }

    /// <summary>
    /// Those that are trained when the lower layers are frozen: with them go the embeddings, and a head that is tied to them.
    /// </summary>
    /// <param name="frozenLayers">Decoder layers, counted from the embeddings, that stay as they are; 0 trains everything.</param>
    public IReadOnlyList<Parameter> Trained(int frozenLayers) => frozenLayers == 0 ? Parameters
        : [.. Parameters.Where(parameter => parameter.Slot.IsTrained(frozenLayers))];

    /// <summary>Frees the gradients of all weights.</summary>
    public void ClearGradients()
    {
        foreach (var parameter in Parameters) parameter.ClearGradients();
    }

    /// <summary>The checkpoint's tensors as views of the weights.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors() => [.. Parameters.SelectMany(parameter => parameter.Split())];

    /// <summary>Checks, before they are saved, that all weights are numbers.</summary>
    /// <exception cref="BeearException">One is not; the message names its tensor.</exception>
    public void RequireFinite()
    {
        using var guard = no_grad();
        foreach (var (name, value) in Tensors())
        {
            if (!FiniteCheck.AllFinite(value))
                throw new BeearException($"Tensor '{name}' holds NaN or infinite values, so the model is not saved: its training has "
                    + "diverged; use a smaller learning rate.");
        }
    }

    /// <summary>A copy of all master weights, detached; the caller disposes it.</summary>
    public IReadOnlyList<Tensor> Snapshot()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return [.. Parameters.Select(parameter => parameter.Master.detach().clone().DetachFromDisposeScope())];
    }

    /// <summary>Puts a <see cref="Snapshot"/> back.</summary>
    public void Restore(IReadOnlyList<Tensor> snapshot) => Restore(i => snapshot[i].alias());

    /// <summary>Overwrites all master weights.</summary>
    /// <param name="read">Gives the weights of a parameter by its index, each as a new tensor.</param>
    public void Restore(Func<int, Tensor> read)
    {
        using var guard = no_grad();
        for (int i = 0; i < Parameters.Count; i++)
        {
            using var weights = read(i);
            Parameters[i].Master.copy_(weights);
            Parameters[i].SynchroniseCopy();
        }
    }

    /// <summary>Copies of these weights, for a model with the same layers.</summary>
    /// <param name="shape">The copy's config: the same, or one with another head.</param>
    /// <param name="sharedLayers">
    /// Layers, counted from the embeddings, of which the copy reads these very weights, the embeddings with them, as they stand still in
    /// both; 0 for none.
    /// </param>
    /// <param name="fresh">Gives, as a new tensor outside of dispose scopes, what these weights lack.</param>
    internal DecoderWeights Copy(ModelConfig shape, int sharedLayers, Func<ParameterSlot, Parameter>? fresh = null) =>
        new(shape, [.. WeightLayout.Of(shape).Select(slot =>
            Find(slot.Layer, slot.Role)?.Copy(isShared: !slot.IsTrained(sharedLayers)) ?? fresh!(slot))]);

    /// <summary>Reads the weights of a checkpoint.</summary>
    /// <param name="config">The shapes that are expected.</param>
    /// <param name="checkpoint">Where the tensors are.</param>
    /// <param name="options">Device, master and compute types.</param>
    /// <param name="cancellation">Stops between tensors.</param>
    /// <exception cref="BeearException">A tensor is missing or its shape does not fit the config.</exception>
    internal static DecoderWeights Load(ModelConfig config, Checkpoint checkpoint, ModelOptions options,
        CancellationToken cancellation = default)
    {
        var slots = WeightLayout.Of(config).ToList();
        foreach (var part in slots.SelectMany(slot => slot.Parts)) CheckShape(config, part, checkpoint);
        var parameters = new List<Parameter>(slots.Count);
        try
        {
            using var guard = no_grad();
            foreach (var slot in slots)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                Tensor Read(ParameterPart part) => checkpoint.Read(config.StoredName(part.Name, checkpoint)).to(MasterType(slot, options));
                var parts = slot.Parts.Select(Read).ToArray();
                var master = (parts.Length == 1 ? parts[0] : cat(parts, 0)).to(options.Device).contiguous();
                if (slot.Role is ParameterRole.Embedding or ParameterRole.Head) RequireDistinct(master, slot.Parts[0].Name, checkpoint);
                parameters.Add(new Parameter(slot, master.DetachFromDisposeScope(), options.ComputeType));
            }
            return new DecoderWeights(config, parameters);
        }
        catch
        {
            foreach (var parameter in parameters) parameter.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Refuses embeddings, or an output head, that are the same for every token: such a model reads nothing, or says nothing.
    /// </summary>
    private static void RequireDistinct(Tensor weights, string name, Checkpoint checkpoint)
    {
        long few = Math.Min(weights.size(0), 64);                        // of all but damaged ones no more is looked at
        if (weights.size(0) > 1 && AreSame(weights.narrow(0, 0, few)) && AreSame(weights))
            throw new BeearException($"All rows of '{name}' in '{checkpoint.Path}' are the same, so that no token differs from another; "
                + "the file is damaged, or the model was never trained.");

        bool AreSame(Tensor rows) => rows.eq(weights[0]).all().item<bool>();
    }

    /// <summary>Norms and scalar heads are few and computed in float32: they are kept so.</summary>
    private static ScalarType MasterType(ParameterSlot slot, ModelOptions options) =>
        slot.Role.IsFloat32() ? ScalarType.Float32 : options.MasterType;

    /// <summary>
    /// Fresh weights: normal with deviation 0.02, output projections scaled down by √(2L), norms at the identity, biases zero.
    /// </summary>
    internal static DecoderWeights Random(ModelConfig config, int seed, ModelOptions options)
    {
        if (options.Device.type != TorchSharp.DeviceType.CUDA)
        {
            using var generator = new Generator((ulong)seed, CPU);
            return Random(config, generator, options);
        }
        // On the device itself: the weights of a large shape take long to draw and to move. TorchSharp makes no generators of CUDA, which
        // has one for all.
        lock (CudaGenerator)
        {
            cuda.manual_seed(seed);
            return Random(config, generator: null, options);
        }
    }

    private static readonly Lock CudaGenerator = new();

    private static DecoderWeights Random(ModelConfig config, Generator? generator, ModelOptions options)
    {
        var parameters = new List<Parameter>();
        foreach (var slot in WeightLayout.Of(config))
        {
            using var scope = NewDisposeScope();
            var value = slot.Role.IsNorm() ? cat([.. slot.Parts.Select(FreshNorm)]) : Fresh(slot);
            parameters.Add(new Parameter(slot, value.to(MasterType(slot, options)).DetachFromDisposeScope(), options.ComputeType));
        }
        return new DecoderWeights(config, parameters);

        Tensor FreshNorm(ParameterPart part) =>
            config.Norm == NormKind.RootMeanSquareOffset || part.Name.EndsWith(".bias", StringComparison.Ordinal)
                ? zeros([.. part.Shape], device: options.Device) : ones([.. part.Shape], device: options.Device);

        Tensor Fresh(ParameterSlot slot)
        {
            long[] shape = [slot.Parts.Sum(part => part.Shape[0]), .. slot.Parts[0].Shape.Skip(1)];
            if (shape.Length == 1) return zeros(shape, device: options.Device);
            double deviation = slot.Role is ParameterRole.AttentionOutput or ParameterRole.Down
                ? 0.02 / Math.Sqrt(2.0 * config.Layers) : 0.02;
            return randn(shape, device: options.Device, generator: generator).Times(deviation);
        }
    }

    /// <summary>
    /// The checkpoint's tensors to be saved: in the element type in which another checkpoint holds them wherever that loses nothing, else
    /// as they are. Weights that nobody changed thus come back bit by bit, and trained ones keep their digits.
    /// </summary>
    /// <param name="source">The checkpoint whose element types are kept.</param>
    /// <returns>New tensors and views, in the caller's dispose scope.</returns>
    public IReadOnlyList<(string Name, Tensor Value)> TensorsAsIn(Checkpoint source)
    {
        using var guard = no_grad();
        string? StoredType(string name) => source.Tensors.GetValueOrDefault(config.StoredName(name, source))?.DType;
        return [.. Tensors().Select(tensor => (tensor.Name, Narrowed(tensor.Value, StoredType(tensor.Name))))];
    }

    private static Tensor Narrowed(Tensor value, string? storedAs)
    {
        ScalarType? type = storedAs switch
        {
            "F16" => ScalarType.Float16,
            "BF16" => ScalarType.BFloat16,
            _ => null,
        };
        if (type is null || value.dtype != ScalarType.Float32) return value;
        using var scope = NewDisposeScope();
        var narrow = value.to(type.Value);
        return narrow.to(ScalarType.Float32).eq(value).all().item<bool>() ? narrow.MoveToOuterDisposeScope() : value;
    }

    /// <summary>Checks that a checkpoint has a tensor of the shape that its config asks for.</summary>
    /// <exception cref="BeearException">It has not.</exception>
    internal static void CheckShape(ModelConfig config, ParameterPart part, Checkpoint checkpoint)
    {
        if (!checkpoint.Tensors.TryGetValue(config.StoredName(part.Name, checkpoint), out var info))
        {
            throw new BeearException($"'{checkpoint.Path}' has no tensor '{part.Name}', which its config.json asks for" +
                (part.Name == config.Names.HeadWeight ? "; if the head is the embeddings, set tie_word_embeddings to true there." : "."));
        }
        if (!info.Shape.SequenceEqual(part.Shape))
            throw new BeearException($"'{checkpoint.Path}': tensor '{part.Name}' has shape ({string.Join(", ", info.Shape)}), but "
                + $"config.json asks for ({string.Join(", ", part.Shape)}).");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
    }
}
