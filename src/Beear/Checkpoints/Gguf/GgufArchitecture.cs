namespace Beear.Checkpoints.Gguf;

/// <summary>How GGUF describes one family of models: its names for the tensors, its metadata keys, and what it stores otherwise.</summary>
internal sealed record GgufArchitecture
{
    /// <summary><c>general.architecture</c>, and the beginning of the metadata keys.</summary>
    public required string Name { get; init; }

    /// <summary>The family's <c>model_type</c> in Hugging Face's form.</summary>
    public required string ModelType { get; init; }

    /// <summary>The family's class in Hugging Face's form.</summary>
    public required string ClassName { get; init; }

    /// <summary>
    /// Whether the rows of a query or key head are stored as the rotary pairs (0, D/2), (1, D/2 + 1) … one after the other. Hugging Face
    /// stores the first elements of all pairs, then the second ones.
    /// </summary>
    public bool RotaryPairs { get; init; }

    /// <summary>Whether norms are stored as what is multiplied with, 1 + w, and not as w.</summary>
    public bool NormsPlusOne { get; init; }

    /// <summary>Whether an output head must be there even where it is the embedding table.</summary>
    public bool NeedsOutput { get; init; }

    /// <summary>Whether only a part of a head may be rotated.</summary>
    public bool PartialRotary { get; init; }

    /// <summary>The metadata key of the norms' ε, and its name in config.json.</summary>
    public (string Metadata, string Config) NormEpsilon { get; init; } = ("attention.layer_norm_rms_epsilon", "rms_norm_eps");

    /// <summary>The stems of a layer's tensors: GGUF's names and Hugging Face's.</summary>
    public IReadOnlyDictionary<string, string> LayerTensors { get; init; } = GgufTensorNames.Plain;

    /// <summary>What config.json says of every model of the family.</summary>
    public IReadOnlyDictionary<string, string> Constants { get; init; } = new Dictionary<string, string> { ["hidden_act"] = "silu" };

    /// <summary>Numbers that metadata and config.json both have, besides the sizes: the keys in each.</summary>
    public IReadOnlyDictionary<string, string> Numbers { get; init; } = new Dictionary<string, string>();

    /// <summary>Flags of config.json that say whether a tensor exists: the flag and the tensor.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();
}

/// <summary>The architectures that are read and written.</summary>
internal static class GgufArchitectures
{
    private static readonly Dictionary<string, string> AttentionAndFeedForwardBias =
        new() { ["attention_bias"] = "blk.0.attn_q.bias", ["mlp_bias"] = "blk.0.ffn_gate.bias" };

    private static readonly Dictionary<string, string> AttentionBias = new() { ["attention_bias"] = "blk.0.attn_q.bias" };

    private static readonly Dictionary<string, string> GeluGate = new() { ["hidden_activation"] = "gelu_pytorch_tanh" };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<GgufArchitecture> All { get; } =
    [
        new()
        {
            Name = "llama",
            ModelType = "llama",
            ClassName = "LlamaForCausalLM",
            RotaryPairs = true,
            Flags = AttentionAndFeedForwardBias,
        },
        new() { Name = "qwen2", ModelType = "qwen2", ClassName = "Qwen2ForCausalLM" },
        new() { Name = "qwen3", ModelType = "qwen3", ClassName = "Qwen3ForCausalLM", LayerTensors = GgufTensorNames.QueryKeyNorms,
            Flags = AttentionBias },
        new()
        {
            Name = "gemma2",
            ModelType = "gemma2",
            ClassName = "Gemma2ForCausalLM",
            NormsPlusOne = true,
            LayerTensors = GgufTensorNames.Sandwich,
            Constants = GeluGate,
            Numbers = new Dictionary<string, string>
            {
                ["attn_logit_softcapping"] = "attn_logit_softcapping",
                ["final_logit_softcapping"] = "final_logit_softcapping",
            },
            Flags = AttentionBias,
        },
        new()
        {
            Name = "gemma3",
            ModelType = "gemma3_text",
            ClassName = "Gemma3ForCausalLM",
            NormsPlusOne = true,
            LayerTensors = GgufTensorNames.Sandwich,
            Constants = GeluGate,
            Numbers = new Dictionary<string, string> { ["final_logit_softcapping"] = "final_logit_softcapping" },
            Flags = AttentionBias,
        },
        new()
        {
            Name = "phi3",
            ModelType = "phi3",
            ClassName = "Phi3ForCausalLM",
            PartialRotary = true,
            LayerTensors = GgufTensorNames.Fused,
        },
        new()
        {
            Name = "olmo2",
            ModelType = "olmo2",
            ClassName = "Olmo2ForCausalLM",
            NeedsOutput = true,
            LayerTensors = GgufTensorNames.PostNorms,
            Flags = AttentionBias,
        },
        new()
        {
            Name = "smollm3",
            ModelType = "smollm3",
            ClassName = "SmolLM3ForCausalLM",
            RotaryPairs = true,
            Flags = AttentionAndFeedForwardBias,
        },
        new()
        {
            Name = "granite",
            ModelType = "granite",
            ClassName = "GraniteForCausalLM",
            RotaryPairs = true,
            Numbers = new Dictionary<string, string>
            {
                ["attention.scale"] = "attention_multiplier",
                ["embedding_scale"] = "embedding_multiplier",
                ["residual_scale"] = "residual_multiplier",
                ["logit_scale"] = "logits_scaling",
            },
            Flags = AttentionAndFeedForwardBias,
        },
        new() { Name = "exaone4", ModelType = "exaone4", ClassName = "Exaone4ForCausalLM", LayerTensors = GgufTensorNames.PostNorms },
        new()
        {
            Name = "starcoder2",
            ModelType = "starcoder2",
            ClassName = "Starcoder2ForCausalLM",
            LayerTensors = GgufTensorNames.WithoutGate,
            NormEpsilon = ("attention.layer_norm_epsilon", "norm_epsilon"),
            Constants = new Dictionary<string, string> { ["hidden_act"] = "gelu_pytorch_tanh" },
            Flags = new Dictionary<string, string> { ["use_bias"] = "blk.0.attn_q.bias" },
        },
        new()
        {
            Name = "stablelm",
            ModelType = "stablelm",
            ClassName = "StableLmForCausalLM",
            PartialRotary = true,
            NeedsOutput = true,
            NormEpsilon = ("attention.layer_norm_epsilon", "layer_norm_eps"),
            Flags = new Dictionary<string, string> { ["use_qkv_bias"] = "blk.0.attn_q.bias" },
        },
    ];

    /// <summary>The names of all, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(architecture => architecture.Name));

    /// <summary>Their families, as <c>model_type</c> names them.</summary>
    public static string ModelTypes => string.Join(", ", All.Select(architecture => architecture.ModelType).Append("mistral"));

    /// <summary>The architecture of a name, or null.</summary>
    public static GgufArchitecture? Named(string? name) => All.FirstOrDefault(architecture => architecture.Name == name);

    /// <summary>The architecture that models of a <c>model_type</c> are written as, or null.</summary>
    public static GgufArchitecture? OfModelType(string type) =>
        All.FirstOrDefault(architecture => architecture.ModelType == (type == "mistral" ? "llama" : type));
}
