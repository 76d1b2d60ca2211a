using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Checkpoints.Adapters;

/// <summary>A base's weights with an adapter in them: a tensor is merged, in float32, when it is read.</summary>
internal sealed class MergedWeights : ITensorSource
{
    private readonly ITensorSource weights;
    private readonly ITensorSource adapter;
    private readonly IReadOnlyDictionary<string, TensorMerge> merges;

    /// <summary>Owns both sources from now on.</summary>
    /// <param name="weights">The base's tensors.</param>
    /// <param name="adapter">The adapter's.</param>
    /// <param name="plan">What becomes of them.</param>
    public MergedWeights(ITensorSource weights, ITensorSource adapter, AdapterPlan plan)
    {
        this.weights = weights;
        this.adapter = adapter;
        merges = plan.Merges;
        var tensors = weights.Tensors.Where(tensor => tensor.Key != plan.Dropped).ToDictionary(StringComparer.Ordinal);
        foreach (var (name, merge) in merges) tensors[name] = Describe(name, merge);
        Tensors = tensors;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public Tensor Read(string name)
    {
        if (!merges.TryGetValue(name, out var merge)) return weights.Read(name);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var value = merge.Saved is { } saved ? adapter.Read(saved) : weights.Read(merge.Base);
        return (merge.IsPlain ? value : Merged(value.to(ScalarType.Float32), merge)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        weights.Dispose();
        adapter.Dispose();
    }

    private TensorInfo Describe(string name, TensorMerge merge)
    {
        var info = (merge.Saved is { } saved ? adapter.Tensors[saved] : weights.Tensors[merge.Base]) with { Name = name };
        return merge.IsPlain ? info : info with { DType = "F32", Bytes = info.ElementCount * sizeof(float) };
    }

    private Tensor Merged(Tensor value, TensorMerge merge)
    {
        if (merge.Product is { } product) value = Sum(value, product);
        if (merge.Shift is { } shift) value = value.Plus(Float(shift.Name).Times(shift.Scale));
        if (merge.Rows is { } rows) value = value.index_copy(0, tensor(rows.Ids.Select(id => (long)id).ToArray()), Float(rows.Name));
        return value;
    }

    private Tensor Sum(Tensor value, LowRankProduct product)
    {
        var change = Float(product.Up).matmul(Float(product.Down));          // (out, in), of an embedding (d, V)
        if (product.IsEmbedding) change = change.t();                        // (V, d)
        var sum = value.Plus(change.Times(product.Scale));
        if (product.Magnitude is not { } magnitude) return sum;
        int along = product.IsEmbedding ? 0 : 1;
        var length = sum.to(ScalarType.Float64).Squared().sum(along, keepdim: true).sqrt();    // (out, 1), of an embedding (1, d)
        return sum * (Float(magnitude).view(length.shape) / length).to(ScalarType.Float32);
    }

    private Tensor Float(string name) => adapter.Read(name).to(ScalarType.Float32);
}
