using System.Text.Json.Nodes;
using Beear.Checkpoints;
using static TorchSharp.torch;

namespace Beear.Tests.Checkpoints.Adapters;

/// <summary>A small base and adapters of it, as PEFT would write them.</summary>
internal sealed class AdapterFixture
{
    public const int Tokens = 11, Width = 6, Inner = 8, Keys = 4, Layers = 3;

    public const string Embedding = "model.embed_tokens", Head = "lm_head";

    private readonly Random random = new(7);

    /// <summary>Draws the base's weights and writes them.</summary>
    /// <param name="isTied">Whether the head is the embeddings.</param>
    /// <param name="hasBias">Whether the query projections have a bias.</param>
    public AdapterFixture(bool isTied = false, bool hasBias = false)
    {
        Base = CheckpointTests.Folder(("config.json", $$"""
            {"model_type": "llama", "vocab_size": {{Tokens}}, "tie_word_embeddings": {{(isTied ? "true" : "false")}}, "torch_dtype": "float32"}
            """));
        Add(Embedding, Tokens, Width);
        if (!isTied) Add(Head, Tokens, Width);
        Add("model.norm", Width);
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Add(prefix + "input_layernorm", Width);
            Add(prefix + "self_attn.q_proj", Width, Width);
            if (hasBias) Weights.Add($"{prefix}self_attn.q_proj.bias", Draw(Width));
            Add(prefix + "self_attn.k_proj", Keys, Width);
            Add(prefix + "mlp.down_proj", Width, Inner);
        }
        Write(Base, "model.safetensors", Weights);
    }

    /// <summary>The base's folder.</summary>
    public string Base { get; }

    /// <summary>The base's tensors.</summary>
    public Dictionary<string, Array> Weights { get; } = new(StringComparer.Ordinal);

    /// <summary>The adapter's tensors, without the prefix that all have in the file.</summary>
    public Dictionary<string, Array> Adapter { get; } = new(StringComparer.Ordinal);

    /// <summary>adapter_config.json.</summary>
    public JsonObject Config { get; } = JsonNode.Parse("""
        {
          "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "nobody/nothing", "r": 2, "lora_alpha": 3, "bias": "none",
          "target_modules": ["q_proj"], "exclude_modules": null, "modules_to_save": null, "rank_pattern": {}, "alpha_pattern": {}, "lora_dropout": 0.1,
          "init_lora_weights": true, "layers_to_transform": null, "layers_pattern": null, "use_dora": false, "use_rslora": false, "revision": null,
          "fan_in_fan_out": false, "inference_mode": true, "loftq_config": {}, "megatron_core": "megatron.core", "trainable_token_indices": null,
          "target_parameters": null, "use_qalora": false, "qalora_group_size": 16, "alora_invocation_tokens": null, "peft_version": "0.21.2"
        }
        """)!.AsObject();

    /// <summary>The element type of the adapter's file.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>Names of query projections, one for each layer.</summary>
    public static IEnumerable<string> Queries => Enumerable.Range(0, Layers).Select(Query);

    public static string Query(int layer) => $"model.layers.{layer}.self_attn.q_proj";

    /// <summary>Gives a matrix its two factors.</summary>
    public AdapterFixture Adapt(string module, int rank = 2)
    {
        var weight = (float[,])Weights[Named(module)];
        Adapter[$"{module}.lora_A.weight"] = Draw(rank, weight.GetLength(1));
        Adapter[$"{module}.lora_B.weight"] = Draw(weight.GetLength(0), rank);
        return this;
    }

    /// <summary>Gives the embeddings their two factors.</summary>
    public AdapterFixture AdaptEmbedding(int tokens = Tokens)
    {
        Adapter[$"{Embedding}.lora_embedding_A"] = Draw(2, tokens);
        Adapter[$"{Embedding}.lora_embedding_B"] = Draw(Width, 2);
        return this;
    }

    /// <summary>Gives all query projections their factors.</summary>
    public AdapterFixture AdaptQueries()
    {
        foreach (var module in Queries) Adapt(module);
        return this;
    }

    public AdapterFixture Set(string key, string json)
    {
        Config[key] = JsonNode.Parse(json);
        return this;
    }

    public float[] Draw(int length) => [.. Enumerable.Range(0, length).Select(_ => (float)(random.NextDouble() - 0.5))];

    public float[,] Draw(int rows, int columns)
    {
        var values = new float[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) values[i, j] = (float)(random.NextDouble() - 0.5);
        }
        return values;
    }

    /// <summary>Writes the adapter's folder.</summary>
    /// <param name="rename">The name in the file of each tensor; PEFT's if not given.</param>
    /// <param name="file">The name of the file.</param>
    public string Save(Func<string, string>? rename = null, string file = "adapter_model.safetensors")
    {
        var folder = CheckpointTests.Folder(("adapter_config.json", Config.ToJsonString()));
        Write(folder, file, Adapter.ToDictionary(tensor => rename?.Invoke(tensor.Key) ?? $"base_model.model.{tensor.Key}", tensor =>
            tensor.Value));
        return folder;
    }

    public Checkpoint Open() => Checkpoint.Open(Save(), Base);

    public string Refusal(Func<string, string>? rename = null) =>
        Assert.Throws<BeearException>(() => Checkpoint.Open(Save(rename), Base)).Message;

    /// <summary>A tensor as it is read.</summary>
    public static float[] Read(Checkpoint checkpoint, string name)
    {
        using var value = checkpoint.Read(name);
        Assert.Equal(checkpoint.Tensors[name].Shape, value.shape);
        Assert.Equal(checkpoint.Tensors[name].DType, ElementType.Of(value.dtype)!.Name);
        using var wide = value.to(ScalarType.Float32);
        return wide.data<float>().ToArray();
    }

    /// <summary>
    /// W + scale · B · A in plain loops, and with a magnitude DoRA's; of an embedding the product is transposed, and columns have the
    /// lengths.
    /// </summary>
    public double[,] Expected(string module, double scale)
    {
        bool isEmbedding = Adapter.ContainsKey($"{module}.lora_embedding_A");
        var weight = (float[,])(Adapter.GetValueOrDefault($"{module}.base_layer.weight") ?? Weights[Named(module)]);
        var down = (float[,])Adapter[isEmbedding ? $"{module}.lora_embedding_A" : $"{module}.lora_A.weight"];
        var up = (float[,])Adapter[isEmbedding ? $"{module}.lora_embedding_B" : $"{module}.lora_B.weight"];
        int rows = weight.GetLength(0), columns = weight.GetLength(1);
        var sum = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double product = 0;
                for (int k = 0; k < down.GetLength(0); k++) product += isEmbedding
                    ? (double)up[j, k] * down[k, i] : (double)up[i, k] * down[k, j];
                sum[i, j] = weight[i, j] + (scale * product);
            }
        }
        if (Adapter.GetValueOrDefault($"{module}.lora_magnitude_vector") is float[] magnitude) Stretch(sum, magnitude, isEmbedding);
        return sum;
    }

    private static void Stretch(double[,] sum, float[] magnitude, bool isByColumn)
    {
        int outer = sum.GetLength(isByColumn ? 1 : 0), inner = sum.GetLength(isByColumn ? 0 : 1);
        ref double At(int o, int i) => ref isByColumn ? ref sum[i, o] : ref sum[o, i];
        for (int o = 0; o < outer; o++)
        {
            double square = 0;
            for (int i = 0; i < inner; i++) square += At(o, i) * At(o, i);
            for (int i = 0; i < inner; i++) At(o, i) *= magnitude[o] / Math.Sqrt(square);
        }
    }

    /// <summary>Asserts that a tensor has been read as expected.</summary>
    public static void Close(double[,] expected, float[] actual)
    {
        double[] flat = [.. expected.Cast<double>()];
        Assert.Equal(flat.Length, actual.Length);
        for (int i = 0; i < flat.Length; i++) Assert.Equal(flat[i], actual[i], 2e-6);
    }

    /// <summary>A new tensor of float32.</summary>
    public static Tensor AsTensor(Array values) => values is float[,] matrix ? tensor(matrix) : tensor((float[])values);

    private string Named(string module) => Weights.ContainsKey($"{module}.weight") ? $"{module}.weight" : $"{Embedding}.weight";

    private void Add(string module, int rows, int? columns = null) =>
        Weights.Add($"{module}.weight", columns is { } width ? Draw(rows, width) : Draw(rows));

    private void Write(string folder, string file, Dictionary<string, Array> tensors)
    {
        using var scope = NewDisposeScope();
        var type = folder == Base ? ScalarType.Float32 : Type;
        SafetensorsWriter.Write(Path.Combine(folder, file), [.. tensors.Select(one => (one.Key, AsTensor(one.Value).to(type)))]);
    }
}
