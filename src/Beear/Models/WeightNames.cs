namespace Beear.Models;

/// <summary>How a family names its tensors; names in a layer follow its prefix, and .weight or .bias follows each.</summary>
internal sealed record WeightNames
{
    /// <summary>(V, d) token embeddings.</summary>
    public string Embedding { get; init; } = "model.embed_tokens";

    /// <summary>What stands before the names in a layer; {0} is the layer.</summary>
    public string Layer { get; init; } = "model.layers.{0}.";

    /// <summary>(d) norm before attention.</summary>
    public string? AttentionNorm { get; init; } = "input_layernorm";

    /// <summary>Query, key and value projections, or one that is all three.</summary>
    public IReadOnlyList<string> QueryKeyValue { get; init; } = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

    /// <summary>(D) or (H·D) norm of the queries, where there is one.</summary>
    public string QueryNorm { get; init; } = "self_attn.q_norm";

    /// <summary>(D) or (G·D) norm of the keys, where there is one.</summary>
    public string KeyNorm { get; init; } = "self_attn.k_norm";

    /// <summary>(d, H·D) projection of the attention's result.</summary>
    public string AttentionOutput { get; init; } = "self_attn.o_proj";

    /// <summary>(d) norm of the attention's result.</summary>
    public string? PostAttentionNorm { get; init; }

    /// <summary>(d) norm before the feed-forward layer.</summary>
    public string? FeedForwardNorm { get; init; } = "post_attention_layernorm";

    /// <summary>Gate and up projections, or one that is both, or the only one of a layer without a gate.</summary>
    public IReadOnlyList<string> GateUp { get; init; } = ["mlp.gate_proj", "mlp.up_proj"];

    /// <summary>(d, F) down projection.</summary>
    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>(d) norm of the feed-forward layer's result.</summary>
    public string? PostFeedForwardNorm { get; init; }

    /// <summary>(d) final norm.</summary>
    public string FinalNorm { get; init; } = "model.norm";

    /// <summary>(V, d) output head.</summary>
    public string Head { get; init; } = "lm_head";

    /// <summary>(1, d) scalar head of a reward model.</summary>
    public string Score { get; init; } = "score";

    /// <summary>The tensor of the token embeddings.</summary>
    public string EmbeddingWeight => Embedding + ".weight";

    /// <summary>The tensor of the output head.</summary>
    public string HeadWeight => Head + ".weight";

    /// <summary>The tensor of the scalar head.</summary>
    public string ScoreWeight => Score + ".weight";
}
