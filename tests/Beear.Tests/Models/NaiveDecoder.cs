using System.Text.Json.Nodes;

namespace Beear.Tests.Models;

/// <summary>
/// Every family once more, in float64 and plain loops over one sequence without padding or cache, written from the families' published
/// definitions: it shares nothing with the decoder but the names of keys and tensors. Reads config.json files that say everything.
/// </summary>
internal sealed class NaiveDecoder(JsonObject config, IReadOnlyDictionary<string, double[]> weights)
{
    private readonly string family = config["model_type"]!.GetValue<string>();
    private readonly int size = (int)config["hidden_size"]!, queryHeads = (int)config["num_attention_heads"]!,
        groups = (int)config["num_key_value_heads"]!, layers = (int)config["num_hidden_layers"]!;

    private int HeadSize => (int?)config["head_dim"] ?? size / queryHeads;

    private bool IsGemma => family is "gemma2" or "gemma3_text";

    /// <summary>The residual stream after the embedding and after each layer, and the logits of every token.</summary>
    /// <param name="tokens">The sequence.</param>
    /// <param name="longest">Length that the frequencies are chosen for.</param>
    /// <param name="changeAfter">Called with the number of layers that have run and the hidden states, which it may change.</param>
    public (List<double[][]> Hidden, double[][] Logits) Run(int[] tokens, int longest, Action<int, double[][]>? changeAfter = null)
    {
        var embedding = weights["model.embed_tokens.weight"];
        double factor = IsGemma ? Math.Sqrt(size) : family == "granite" ? Number("embedding_multiplier") : 1;
        double[][] hidden = [.. tokens.Select(token => embedding.AsSpan(token * size, size).ToArray().Select(x => x * factor).ToArray())];
        var all = new List<double[][]>();
        for (int layer = 0; layer < layers; layer++)
        {
            all.Add(hidden);
            hidden = Layer(hidden, layer, longest);
            changeAfter?.Invoke(layer + 1, hidden);
        }
        all.Add(hidden);
        return (all, [.. hidden.Select(row => Scores(Norm(row, "model.norm")))]);
    }

    private double[][] Layer(double[][] hidden, int layer, int longest)
    {
        string at = $"model.layers.{layer}.";
        double[][] attended, fed;
        if (family is "olmo2" or "exaone4")
        {
            attended = Each(Attention(hidden, layer, longest), row => Norm(row, at + "post_attention_layernorm"));
            hidden = Sum(hidden, attended, 1);
            fed = Each(hidden, row => Norm(FeedForward(row, at), at + "post_feedforward_layernorm"));
            return Sum(hidden, fed, 1);
        }
        attended = Attention(Each(hidden, row => Norm(row, at + "input_layernorm")), layer, longest);
        if (IsGemma)
        {
            hidden = Sum(hidden, Each(attended, row => Norm(row, at + "post_attention_layernorm")), 1);
            fed = Each(hidden, row => Norm(FeedForward(Norm(row, at + "pre_feedforward_layernorm"), at),
                at + "post_feedforward_layernorm"));
            return Sum(hidden, fed, 1);
        }
        double residual = family == "granite" ? Number("residual_multiplier") : 1;
        hidden = Sum(hidden, attended, residual);
        return Sum(hidden, Each(hidden, row => FeedForward(Norm(row, at + "post_attention_layernorm"), at)), residual);
    }

    private double[][] Attention(double[][] rows, int layer, int longest)
    {
        string at = $"model.layers.{layer}.self_attn.";
        int headSize = HeadSize, queryWidth = queryHeads * headSize, keyWidth = groups * headSize;
        double[][] q, k, v;
        if (family == "phi3")
        {
            var all = Each(rows, row => Linear(row, at + "qkv_proj"));
            (q, k, v) = (Each(all, row => row[..queryWidth]), Each(all, row => row[queryWidth..(queryWidth + keyWidth)]),
                Each(all, row => row[(queryWidth + keyWidth)..]));
        }
        else
        {
            (q, k, v) = (Each(rows, row => Linear(row, at + "q_proj")), Each(rows, row => Linear(row, at + "k_proj")),
                Each(rows, row => Linear(row, at + "v_proj")));
        }
        if (family == "olmo2") (q, k) = (Each(q, row => Norm(row, at + "q_norm")), Each(k, row => Norm(row, at + "k_norm")));
        if (family is "qwen3" or "gemma3_text" or "exaone4")
        {
            q = Each(q, row => [.. row.Chunk(headSize).SelectMany(head => Norm(head, at + "q_norm"))]);
            k = Each(k, row => [.. row.Chunk(headSize).SelectMany(head => Norm(head, at + "k_norm"))]);
        }
        bool windowed = IsWindowed(layer);
        if (Rotates(layer, windowed))
        {
            for (int position = 0; position < rows.Length; position++)
            {
                q[position] = [.. q[position].Chunk(headSize).SelectMany(head => Rotate(head, position, windowed, longest))];
                k[position] = [.. k[position].Chunk(headSize).SelectMany(head => Rotate(head, position, windowed, longest))];
            }
        }
        double scale = IsGemma ? 1 / Math.Sqrt(Number("query_pre_attn_scalar")) : family == "granite"
            ? Number("attention_multiplier") : 1 / Math.Sqrt(headSize);
        int window = windowed ? (int)config["sliding_window"]! : int.MaxValue;
        var mixed = new double[rows.Length][];
        for (int t = 0; t < rows.Length; t++)
        {
            mixed[t] = new double[queryWidth];
            for (int head = 0; head < queryHeads; head++)
            {
                int group = head / (queryHeads / groups), first = window > t ? 0 : t - window + 1;
                var scores = new double[t - first + 1];
                for (int s = first; s <= t; s++)
                {
                    for (int i = 0; i < headSize; i++) scores[s - first] += scale * q[t][head * headSize + i] * k[s][group * headSize + i];
                    if (config["attn_logit_softcapping"] is { } cap) scores[s - first] =
                        (double)cap * Math.Tanh(scores[s - first] / (double)cap);
                }
                double largest = scores.Max(), sum = scores.Sum(score => Math.Exp(score - largest));
                for (int s = first; s <= t; s++)
                {
                    for (int i = 0; i < headSize; i++) mixed[t][head * headSize + i] += Math.Exp(scores[s - first]
                        - largest) / sum * v[s][group * headSize + i];
                }
            }
        }
        return Each(mixed, row => Linear(row, at + "o_proj"));
    }

    private bool IsWindowed(int layer)
    {
        if (config["layer_types"] is JsonArray types) return types[layer]!.GetValue<string>() == "sliding_attention";
        if (config["sliding_window"] is null) return false;
        return family switch
        {
            "mistral" or "phi3" or "starcoder2" => true,
            "gemma2" => layer % 2 == 0,
            "gemma3_text" or "exaone4" => (layer + 1) % (int)config["sliding_window_pattern"]! != 0,
            "qwen2" or "qwen3" => (bool)config["use_sliding_window"]! && layer >= (int)config["max_window_layers"]!,
            "smollm3" => (bool)config["use_sliding_window"]! && (int)config["no_rope_layers"]![layer]! == 0,
            _ => false,
        };
    }

    private bool Rotates(int layer, bool windowed) => family switch
    {
        "smollm3" => (int)config["no_rope_layers"]![layer]! == 1,
        "exaone4" => windowed || config["sliding_window"] is null,
        _ => true,
    };

    private double[] Rotate(double[] head, int position, bool windowed, int longest)
    {
        JsonNode? scaling = config["rope_scaling"];
        double theta = (double?)config["rope_theta"] ?? 10_000, attention = 1;
        if (config["rope_parameters"] is { } nested)
        {
            scaling = nested[windowed ? "sliding_attention" : "full_attention"];
            theta = (double)scaling!["rope_theta"]!;
        }
        int rotated = (int)(head.Length * ((double?)config["partial_rotary_factor"] ?? 1)), half = rotated / 2;
        double[] divisors = [.. Enumerable.Repeat(1.0, half)];
        if ((string?)scaling?["rope_type"] == "linear") divisors = [.. Enumerable.Repeat((double)scaling!["factor"]!, half)];
        if ((string?)scaling?["type"] == "longrope")
        {
            double original = Number("original_max_position_embeddings");
            divisors = [.. scaling![longest > original ? "long_factor" : "short_factor"]!.AsArray().Select(factor => (double)factor!)];
            attention = Math.Sqrt(1 + Math.Log(Number("max_position_embeddings") / original) / Math.Log(original));
        }
        var turned = (double[])head.Clone();
        for (int i = 0; i < half; i++)
        {
            double angle = position / (divisors[i] * Math.Pow(theta, 2.0 * i / rotated));
            double cosine = attention * Math.Cos(angle), sine = attention * Math.Sin(angle);
            turned[i] = head[i] * cosine - head[i + half] * sine;
            turned[i + half] = head[i + half] * cosine + head[i] * sine;
        }
        return turned;
    }

    private double[] FeedForward(double[] row, string at)
    {
        if (family == "starcoder2") return Linear([.. Linear(row, at + "mlp.c_fc").Select(GeluTanh)], at + "mlp.c_proj");
        double[] gate, up;
        if (family == "phi3")
        {
            var both = Linear(row, at + "mlp.gate_up_proj");
            (gate, up) = (both[..(both.Length / 2)], both[(both.Length / 2)..]);
        }
        else
        {
            (gate, up) = (Linear(row, at + "mlp.gate_proj"), Linear(row, at + "mlp.up_proj"));
        }
        return Linear([.. gate.Zip(up, (g, u) => (IsGemma ? GeluTanh(g) : g / (1 + Math.Exp(-g))) * u)], at + "mlp.down_proj");
    }

    private static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    private double[] Norm(double[] row, string name)
    {
        var scale = weights[name + ".weight"];
        if (family is "stablelm" or "starcoder2")
        {
            double mean = row.Average(), variance = row.Average(x => (x - mean) * (x - mean));
            double deviation = Math.Sqrt(variance + Number(family == "stablelm" ? "layer_norm_eps" : "norm_epsilon"));
            return [.. row.Select((x, i) => (x - mean) / deviation * scale[i] + weights[name + ".bias"][i])];
        }
        double root = Math.Sqrt(row.Average(x => x * x) + Number("rms_norm_eps"));
        return [.. row.Select((x, i) => x / root * (IsGemma ? 1 + scale[i] : scale[i]))];
    }

    private double[] Scores(double[] row)
    {
        var scores = Linear(row, (bool)config["tie_word_embeddings"]! ? "model.embed_tokens" : "lm_head");
        if (family == "granite") return [.. scores.Select(score => score / Number("logits_scaling"))];
        return config["final_logit_softcapping"] is { } cap
            ? [.. scores.Select(score => (double)cap * Math.Tanh(score / (double)cap))] : scores;
    }

    private double[] Linear(double[] row, string name)
    {
        var matrix = weights[name + ".weight"];
        var bias = weights.GetValueOrDefault(name + ".bias");
        var result = new double[matrix.Length / row.Length];
        for (int i = 0; i < result.Length; i++)
        {
            double sum = bias?[i] ?? 0;
            for (int j = 0; j < row.Length; j++) sum += matrix[i * row.Length + j] * row[j];
            result[i] = sum;
        }
        return result;
    }

    private double Number(string key) => (double)config[key]!;

    private static double[][] Each(double[][] rows, Func<double[], double[]> change) => [.. rows.Select(change)];

    private static double[][] Sum(double[][] rows, double[][] added, double factor) =>
        [.. rows.Zip(added, (row, more) => row.Zip(more, (x, y) => x + factor * y).ToArray())];
}
