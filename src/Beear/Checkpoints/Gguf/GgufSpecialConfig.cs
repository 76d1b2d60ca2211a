using System.Text.Json.Nodes;

namespace Beear.Checkpoints.Gguf;

/// <summary>What llama.cpp knows of an architecture without asking its metadata, as keys of config.json.</summary>
internal static class GgufSpecialConfig
{
    /// <summary>EXAONE 4 32B, which llama.cpp knows by its layers, has windows; smaller ones have none.</summary>
    public const int LayersOfExaone4WithWindows = 64;

    /// <summary>Completes a config.json.</summary>
    public static void AddTo(JsonObject config, GgufConfig file)
    {
        switch (file.Architecture.Name)
        {
            case "llama" when Window(file) is { } window:
                config["model_type"] = "mistral";
                config["architectures"] = new JsonArray("MistralForCausalLM");
                config["sliding_window"] = window;
                config.Remove("attention_bias");
                config.Remove("mlp_bias");
                break;
            case "qwen2" or "qwen3":
                config["use_sliding_window"] = false;
                break;
            case "gemma2":
                config["query_pre_attn_scalar"] = Gemma2Scalar(file);
                config["attn_logit_softcapping"] ??= 50.0;
                config["final_logit_softcapping"] ??= 30.0;
                AddWindows(config, file, Window(file) ?? 4096, period: 2);
                break;
            case "gemma3":
                config["query_pre_attn_scalar"] = file.Layers == 62 ? file.HiddenSize / file.Heads : file.HeadSize;
                config["rope_local_base_freq"] = file.Real("rope.freq_base_swa") ?? GgufRotaryScaling.DefaultBase;
                if (Window(file) is { } width) AddWindows(config, file, width, period: 6);
                else config["layer_types"] = Types([.. Enumerable.Repeat(false, (int)file.Layers)]);
                break;
            case "olmo2" when Window(file) is not null:
                throw new BeearException($"'{file.File.Path}' is an OLMo 2 model with sliding windows (OLMo 3), which cannot be "
                    + "read from GGUF.");
            case "phi3":
                config["sliding_window"] = Window(file);
                AddPartialRotary(config, file);
                if (file.Size("rope.scaling.original_context_length")
                    is { } original) config["original_max_position_embeddings"] = original;
                break;
            case "smollm3":
                config["no_rope_layers"] = new JsonArray(
                    [.. Enumerable.Range(1, (int)file.Layers).Select(i => JsonValue.Create(i % 4 == 0 ? 0 : 1))]);
                break;
            case "exaone4":
                if (file.Layers == LayersOfExaone4WithWindows) AddWindows(config, file, Window(file) ?? 4096, period: 4);
                else config["sliding_window"] = null;
                break;
            case "granite":
                config["attention_multiplier"] ??= 1 / Math.Sqrt(file.HeadSize);
                break;
            case "stablelm":
                config["use_parallel_residual"] = !file.File.Tensors.ContainsKey("blk.0.ffn_norm.weight");
                AddPartialRotary(config, file);
                break;
        }
    }

    /// <summary>The length of the windows; null where there are none, which some files say by 0.</summary>
    private static long? Window(GgufConfig file)
    {
        const string Key = "attention.sliding_window";
        return file.File.Metadata.Integer(file.Key(Key)) == 0 ? null : file.Size(Key);
    }

    /// <summary>Which layers have a window: an array of the metadata, a period there, or the family's own.</summary>
    private static void AddWindows(JsonObject config, GgufConfig file, long window, int period)
    {
        const string Pattern = "attention.sliding_window_pattern";
        config["sliding_window"] = window;
        var layers = (int)file.Layers;
        if (file.File.Metadata.Array(file.Key(Pattern)) is not { } stated)
        {
            var every = file.Size(Pattern) ?? period;
            config["layer_types"] = Types([.. Enumerable.Range(1, layers).Select(i => i % every != 0)]);
            return;
        }
        config["layer_types"] = stated.ToIntegers() is { } flags && flags.Length == layers
            ? Types([.. flags.Select(flag => flag != 0)])
            : throw GgufFile.Error(file.File.Path, $"{file.Key(Pattern)} does not say of each of {layers} layers whether it has a window");
    }

    private static JsonArray Types(bool[] windowed) =>
        [.. windowed.Select(isWindowed => JsonValue.Create(isWindowed ? "sliding_attention" : "full_attention"))];

    private static void AddPartialRotary(JsonObject config, GgufConfig file) =>
        config["partial_rotary_factor"] = (double)file.RotatedSize / file.HeadSize;

    /// <summary>Gemma 2 27B, the only one of 46 layers, scales its scores by the hidden size of a head.</summary>
    private static long Gemma2Scalar(GgufConfig file) => file.Layers == 46 ? file.HiddenSize / file.Heads : file.HeadSize;
}
