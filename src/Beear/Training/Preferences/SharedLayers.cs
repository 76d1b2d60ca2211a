using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// Which models have the same embeddings and lower layers: what those make of a batch is then the same, and is computed once. Weights are
/// compared at the start; as these layers are frozen, they stay equal.
/// </summary>
internal sealed class SharedLayers
{
    private readonly Dictionary<Decoder, Decoder> first = [];

    /// <summary>Compares the models.</summary>
    /// <param name="count">Decoder layers, counted from the embeddings, that stand still in all of them; 0 shares nothing.</param>
    /// <param name="decoders">The models.</param>
    public SharedLayers(int count, IReadOnlyList<Decoder> decoders)
    {
        Count = count;
        foreach (var decoder in decoders) first[decoder] = count == 0
            ? decoder : first.Values.FirstOrDefault(other => AreSame(decoder, other)) ?? decoder;
    }

    /// <summary>Decoder layers that may be shared.</summary>
    public int Count { get; }

    /// <summary>The first of the models with the same lower layers.</summary>
    public Decoder FirstLike(Decoder decoder) => first[decoder];

    private bool AreSame(Decoder one, Decoder other)
    {
        if (one.Options.ComputeType != other.Options.ComputeType || !HaveSameShape(one.Config, other.Config)) return false;
        using var guard = no_grad();
        return Lower(one).Zip(Lower(other)).All(pair =>
        {
            using var scope = NewDisposeScope();
            return pair.First.Master.dtype == pair.Second.Master.dtype && pair.First.Master.eq(pair.Second.Master).all().item<bool>();
        });
    }

    private IEnumerable<Parameter> Lower(Decoder decoder) =>
        decoder.Weights.Parameters.Where(parameter => !parameter.Slot.IsTrained(Count));

    /// <summary>Whether two configs differ in their heads at most.</summary>
    private static bool HaveSameShape(ModelConfig one, ModelConfig other) => one.LayerKinds.SequenceEqual(other.LayerKinds)
        && one with { LayerKinds = other.LayerKinds, ScalarHead = other.ScalarHead, TiedEmbeddings = other.TiedEmbeddings } == other;
}
