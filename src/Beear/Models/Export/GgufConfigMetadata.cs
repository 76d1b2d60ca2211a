using Beear.Checkpoints.Gguf;

namespace Beear.Models.Export;

/// <summary>A model's configuration as metadata of a GGUF file.</summary>
internal static class GgufConfigMetadata
{
    private const uint QuantisationVersion = 2;

    /// <summary>The metadata.</summary>
    /// <param name="config">A config that <see cref="GgufFaithfulness"/> has found right.</param>
    /// <param name="architecture">What it is written as.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="type">How matrices are stored.</param>
    public static IEnumerable<(string Key, object Value)> Of(ModelConfig config, GgufArchitecture architecture, string name,
        GgufWeightType type)
    {
        yield return ("general.architecture", architecture.Name);
        yield return ("general.type", "model");
        yield return ("general.name", name);
        yield return ("general.file_type", FileType(type));
        if (type is GgufWeightType.Q8_0 or GgufWeightType.Q4_K) yield return ("general.quantization_version", QuantisationVersion);
        foreach (var (key, value) in Sizes(config).Concat(Rotary(config)).Concat(Special(config, architecture)))
            yield return ($"{architecture.Name}.{key}", value);
        yield return ($"{architecture.Name}.{architecture.NormEpsilon.Metadata}", (float)config.NormEpsilon);
    }

    /// <summary>The factors that divide the rotary frequencies, where a kind of scaling has one for each.</summary>
    public static IEnumerable<(string Name, float[] Factors)> RotaryFactors(ModelConfig config)
    {
        var rotary = config.Rotary;
        if (rotary.Kind == RotaryKind.Llama3)
        {
            var plain = (rotary with { Kind = RotaryKind.Default }).Frequencies(sequenceLength: 1);
            yield return (GgufTensorNames.RotaryFactors,
                [.. plain.Zip(rotary.Frequencies(sequenceLength: 1), (before, after) => (float)(before / after))]);
        }
        if (rotary.Kind != RotaryKind.LongRope) yield break;
        yield return (GgufTensorNames.LongFactors, [.. rotary.LongFactors!.Select(factor => (float)factor)]);
        yield return (GgufTensorNames.ShortFactors, [.. rotary.ShortFactors!.Select(factor => (float)factor)]);
    }

    private static IEnumerable<(string Key, object Value)> Sizes(ModelConfig config)
    {
        yield return ("vocab_size", (uint)config.VocabularySize);
        yield return ("context_length", (uint)ContextLength(config));
        yield return ("embedding_length", (uint)config.HiddenSize);
        yield return ("block_count", (uint)config.Layers);
        yield return ("feed_forward_length", (uint)config.FeedForwardSize);
        yield return ("attention.head_count", (uint)config.QueryHeads);
        yield return ("attention.head_count_kv", (uint)config.KeyValueHeads);
        yield return ("attention.key_length", (uint)config.HeadSize);
        yield return ("attention.value_length", (uint)config.HeadSize);
    }

    /// <summary>
    /// llama.cpp has windows only in Gemma and EXAONE models; in others attention is the same as long as a text is not longer than the
    /// window.
    /// </summary>
    private static int ContextLength(ModelConfig config) =>
        HasWindows(config) ? config.MaximumPositions : Math.Min(config.MaximumPositions, config.SlidingWindow ?? int.MaxValue);

    private static bool HasWindows(ModelConfig config) => config.ModelType is "gemma2" or "gemma3_text" or "exaone4";

    private static IEnumerable<(string Key, object Value)> Rotary(ModelConfig config)
    {
        var rotary = config.Rotary;
        yield return ("rope.dimension_count", (uint)rotary.RotatedSize);
        yield return ("rope.freq_base", (float)rotary.Base);
        if (rotary.Kind == RotaryKind.Default) yield break;
        if (rotary.Kind != RotaryKind.Linear) yield return ("rope.scaling.original_context_length", (uint)rotary.OriginalPositions);
        if (rotary.Kind == RotaryKind.Llama3) yield break;
        yield return ("rope.scaling.type", rotary.Kind switch
        {
            RotaryKind.Linear => "linear",
            RotaryKind.Yarn => "yarn",
            _ => "longrope",
        });
        if (rotary.Kind == RotaryKind.LongRope)
        {
            yield return ("rope.scaling.attn_factor", (float)rotary.AttentionFactor);
            yield break;
        }
        yield return ("rope.scaling.factor", (float)rotary.Factor);
        if (rotary.Kind == RotaryKind.Linear) yield break;
        yield return ("rope.scaling.yarn_beta_fast", (float)rotary.BetaFast);
        yield return ("rope.scaling.yarn_beta_slow", (float)rotary.BetaSlow);
    }

    private static IEnumerable<(string Key, object Value)> Special(ModelConfig config, GgufArchitecture architecture)
    {
        switch (architecture.Name)
        {
            case "gemma2" or "gemma3":
                if (config.AttentionSoftCap is { } attention) yield return ("attn_logit_softcapping", (float)attention);
                if (config.LogitSoftCap is { } logits) yield return ("final_logit_softcapping", (float)logits);
                if (config.SlidingWindow is not { } width) break;
                yield return ("attention.sliding_window", (uint)width);
                yield return ("rope.freq_base_swa", (float)config.WindowedRotary.Base);
                var windowed = config.LayerKinds.Select(kind => kind.Windowed).ToArray();
                if (!windowed.SequenceEqual(AllButEvery(architecture.Name == "gemma2" ? 2 : 6, config.Layers)))
                    yield return ("attention.sliding_window_pattern", windowed);
                break;
            case "exaone4" when config.SlidingWindow is { } window:
                yield return ("attention.sliding_window", (uint)window);
                break;
            case "granite":
                yield return ("attention.scale", (float)config.AttentionScale);
                yield return ("embedding_scale", (float)config.EmbeddingScale);
                yield return ("residual_scale", (float)config.ResidualScale);
                yield return ("logit_scale", (float)(1 / config.LogitScale));
                break;
            case "stablelm":
                yield return ("use_parallel_residual", false);
                break;
        }
    }

    private static IEnumerable<bool> AllButEvery(int period, int layers) => Enumerable.Range(1, layers).Select(i => i % period != 0);

    private static uint FileType(GgufWeightType type) => type switch
    {
        GgufWeightType.F32 => 0,
        GgufWeightType.Q8_0 => 7,
        GgufWeightType.Q4_K => 14,
        GgufWeightType.Bf16 => 32,
        _ => 1,
    };
}
