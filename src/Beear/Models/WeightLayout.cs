namespace Beear.Models;

/// <summary>One tensor of the checkpoint that makes up (part of) a parameter.</summary>
/// <param name="Name">Its name in the Hugging Face checkpoint.</param>
/// <param name="Shape">Its shape; the first dimension is the one along which parts are stacked.</param>
public sealed record ParameterPart(string Name, IReadOnlyList<long> Shape)
{
    /// <summary>Elements of the tensor.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>One parameter as the decoder uses it: one or more checkpoint tensors stacked along their rows.</summary>
/// <param name="Layer">Decoder layer, or −1 for the embedding, the final norm and the head.</param>
/// <param name="Role">What it is to the decoder.</param>
/// <param name="Parts">The checkpoint's tensors, in order.</param>
public sealed record ParameterSlot(int Layer, ParameterRole Role, IReadOnlyList<ParameterPart> Parts);

/// <summary>What a parameter is to the decoder.</summary>
public enum ParameterRole
{
    /// <summary>(V, d) token embeddings.</summary>
    Embedding,
    /// <summary>(d) scale of the norm before attention.</summary>
    AttentionNorm,
    /// <summary>((H + 2G)·D, d) query, key and value projections in one.</summary>
    QueryKeyValue,
    /// <summary>((H + 2G)·D) their biases.</summary>
    QueryKeyValueBias,
    /// <summary>(d, H·D) projection of the attention's result.</summary>
    AttentionOutput,
    /// <summary>(d) its bias.</summary>
    AttentionOutputBias,
    /// <summary>(d) scale of the norm before the feed-forward layer.</summary>
    FeedForwardNorm,
    /// <summary>(2·F, d) gate and up projections in one.</summary>
    GateUp,
    /// <summary>(2·F) their biases.</summary>
    GateUpBias,
    /// <summary>(d, F) down projection.</summary>
    Down,
    /// <summary>(d) its bias.</summary>
    DownBias,
    /// <summary>(d) scale of the final norm.</summary>
    FinalNorm,
    /// <summary>(V, d) output head; absent when tied to the embeddings.</summary>
    Head,
}

/// <summary>Which checkpoint tensors make up which parameter.</summary>
internal static class WeightLayout
{
    /// <summary>All parameters of a model, each checkpoint tensor exactly once.</summary>
    public static IEnumerable<ParameterSlot> Of(ModelConfig c)
    {
        long d = c.HiddenSize, queries = (long)c.QueryHeads * c.HeadSize, keys = (long)c.KeyValueHeads * c.HeadSize, f = c.FeedForwardSize;
        static ParameterSlot Slot(int layer, ParameterRole role, params ParameterPart[] parts) => new(layer, role, parts);

        yield return Slot(-1, ParameterRole.Embedding, new ParameterPart("model.embed_tokens.weight", [c.VocabularySize, d]));
        for (int i = 0; i < c.Layers; i++)
        {
            ParameterPart Part(string name, params long[] shape) => new($"model.layers.{i}.{name}", shape);
            yield return Slot(i, ParameterRole.AttentionNorm, Part("input_layernorm.weight", d));
            yield return Slot(i, ParameterRole.QueryKeyValue, Part("self_attn.q_proj.weight", queries, d),
                Part("self_attn.k_proj.weight", keys, d), Part("self_attn.v_proj.weight", keys, d));
            yield return Slot(i, ParameterRole.AttentionOutput, Part("self_attn.o_proj.weight", d, queries));
            if (c.AttentionBias)
            {
                yield return Slot(i, ParameterRole.QueryKeyValueBias, Part("self_attn.q_proj.bias", queries),
                    Part("self_attn.k_proj.bias", keys), Part("self_attn.v_proj.bias", keys));
                yield return Slot(i, ParameterRole.AttentionOutputBias, Part("self_attn.o_proj.bias", d));
            }
            yield return Slot(i, ParameterRole.FeedForwardNorm, Part("post_attention_layernorm.weight", d));
            yield return Slot(i, ParameterRole.GateUp, Part("mlp.gate_proj.weight", f, d), Part("mlp.up_proj.weight", f, d));
            yield return Slot(i, ParameterRole.Down, Part("mlp.down_proj.weight", d, f));
            if (c.FeedForwardBias)
            {
                yield return Slot(i, ParameterRole.GateUpBias, Part("mlp.gate_proj.bias", f), Part("mlp.up_proj.bias", f));
                yield return Slot(i, ParameterRole.DownBias, Part("mlp.down_proj.bias", d));
            }
        }
        yield return Slot(-1, ParameterRole.FinalNorm, new ParameterPart("model.norm.weight", [d]));
        if (!c.TiedEmbeddings) yield return Slot(-1, ParameterRole.Head, new ParameterPart("lm_head.weight", [c.VocabularySize, d]));
    }
}
