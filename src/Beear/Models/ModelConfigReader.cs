using System.Text.Json.Nodes;

namespace Beear.Models;

/// <summary>Reads the config.json of any family: the keys are the same, what is left out stands in <see cref="ModelFamilies"/>.</summary>
internal static class ModelConfigReader
{
    private const int MostLayers = 10_000;

    /// <inheritdoc cref="ModelConfig.FromJson"/>
    public static ModelConfig Read(JsonObject given)
    {
        var family = Family(given);
        family.RefuseForeignKeys(given);
        var json = family.WithDefaults(given);
        var keys = new ConfigKeys(json);

        int hiddenSize = keys.Count("hidden_size"), queryHeads = keys.Count("num_attention_heads");
        int keyValueHeads = keys.Count("num_key_value_heads", whenAbsent: queryHeads);
        int headSize = keys.Count("head_dim", whenAbsent: hiddenSize / queryHeads);
        if (queryHeads % keyValueHeads != 0)
            throw new BeearException($"config.json: num_attention_heads {queryHeads} is not a multiple of num_key_value_heads "
                + $"{keyValueHeads}.");
        if (headSize % 2 != 0 || headSize == 0)
            throw new BeearException($"config.json: head_dim must be even and positive, it is {headSize}.");
        int maximumPositions = keys.Count("max_position_embeddings");
        var (kinds, window) = LayerKind.Read(family, keys, keys.Count("num_hidden_layers", most: MostLayers));
        var (rotary, windowedRotary) = RotaryConfigReader.Read(json, headSize, maximumPositions);
        bool Bias(string? key) => key == ModelFamily.Always || (key is not null && keys.Flag(key));
        return new ModelConfig
        {
            ModelType = keys.Text("model_type"),
            VocabularySize = keys.Count("vocab_size"),
            HiddenSize = hiddenSize,
            FeedForwardSize = keys.Count("intermediate_size"),
            LayerKinds = kinds,
            SlidingWindow = window,
            QueryHeads = queryHeads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            MaximumPositions = maximumPositions,
            Rotary = rotary,
            WindowedRotary = windowedRotary,
            Norm = family.Norm,
            NormEpsilon = keys.Number(family.NormEpsilonKey),
            QueryKeyNorm = family.QueryKeyNorm,
            Activation = ReadActivation(family, keys),
            GatedFeedForward = family.GatedFeedForward,
            TiedEmbeddings = keys.Flag("tie_word_embeddings"),
            QueryKeyValueBias = Bias(family.QueryKeyValueBias),
            AttentionOutputBias = Bias(family.AttentionOutputBias),
            FeedForwardBias = Bias(family.FeedForwardBias),
            AttentionScale = keys.PositiveOrNull("attention_multiplier")
                ?? 1 / Math.Sqrt(keys.PositiveOrNull("query_pre_attn_scalar") ?? headSize),
            AttentionSoftCap = keys.PositiveOrNull("attn_logit_softcapping"),
            EmbeddingScale = family.EmbeddingsTimesRootOfSize ? Math.Sqrt(hiddenSize) : keys.Number("embedding_multiplier", 1),
            ResidualScale = keys.Number("residual_multiplier", 1),
            LogitScale = 1 / (keys.PositiveOrNull("logits_scaling") ?? 1),
            LogitSoftCap = keys.PositiveOrNull("final_logit_softcapping"),
            Names = family.Names,
        };
    }

    private static ModelFamily Family(JsonObject json)
    {
        var type = new ConfigKeys(json).Text("model_type");
        if (ModelFamilies.All.TryGetValue(type, out var family)) return family;
        if (json["text_config"] is JsonObject inner)
        {
            throw new BeearException($"config.json: model_type '{type}' wraps a language model ('{inner["model_type"]}') "
                + "together with other parts; " +
                "save its language model as a directory of its own and name that.");
        }
        throw new BeearException($"config.json: model_type '{type}' is not a supported family; supported: "
            + $"{string.Join(", ", ModelConfig.Families)}.");
    }

    private static Activation ReadActivation(ModelFamily family, ConfigKeys keys)
    {
        var key = family.Reads("hidden_activation") ? "hidden_activation" : "hidden_act";
        return keys.Text(key) switch
        {
            "silu" or "swish" => Activation.Silu,
            "gelu" => Activation.Gelu,
            "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" => Activation.GeluTanh,
            var other => throw new BeearException(
                $"config.json: {key} '{other}' is not known; it must be silu, gelu or gelu_pytorch_tanh."),
        };
    }
}
