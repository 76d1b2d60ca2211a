using System.Text.Json.Nodes;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Tests;

/// <summary>Small decoders with random weights, and their config.json.</summary>
internal static class TinyDecoder
{
    public const int Vocabulary = 61;

    /// <summary>A valid config.json of the Llama family: d = 32, L = 4, H = 4, G = 2, D = 8.</summary>
    public static JsonObject Config(Action<JsonObject>? change = null)
    {
        var config = new JsonObject
        {
            ["model_type"] = "llama",
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = 32,
            ["intermediate_size"] = 48,
            ["num_hidden_layers"] = 4,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["max_position_embeddings"] = 128,
            ["tie_word_embeddings"] = true,
        };
        change?.Invoke(config);
        return config;
    }

    /// <summary>Random weights, made larger than a fresh model's so that every layer has a say in the outcome.</summary>
    public static Decoder Create(int seed = 1, ModelOptions? options = null)
    {
        var decoder = Decoder.Random(ModelConfig.FromJson(Config()), seed, options ?? TestDevice.Float32);
        using var guard = no_grad();
        foreach (var parameter in decoder.Weights.Parameters)
        {
            if (parameter.Master.dim() < 2) continue;
            parameter.Master.mul_(6);
            parameter.SynchroniseCopy();
        }
        return decoder;
    }

    /// <summary>Token ids of the given length.</summary>
    public static int[] Tokens(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary))];

    /// <summary>All weights in one row, copied.</summary>
    public static float[] Weights(Decoder decoder) =>
        [.. decoder.Weights.Parameters.SelectMany(parameter =>
            parameter.Master.detach().cpu().to(float32).flatten().data<float>().ToArray())];
}

/// <summary>Cancels its source when a stage has reported a number of steps.</summary>
internal sealed class CancelAfter(CancellationTokenSource source, string stage, int steps) : IProgress<RunProgress>
{
    public void Report(RunProgress value)
    {
        if (value.Stage == stage && value.Done == steps) source.Cancel();
    }
}

/// <summary>Hands each report on at once, in the thread that made it.</summary>
internal sealed class Recorder(Action<RunProgress> record) : IProgress<RunProgress>
{
    public void Report(RunProgress value) => record(value);
}
