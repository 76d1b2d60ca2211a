using static TorchSharp.torch;

namespace Beear.Bench;

/// <summary>One measured line; times in microseconds.</summary>
internal sealed record Row(string Name, ScalarType Type, double Plain, double? Fused);

/// <summary>Sizes of a model and of one batch: N token rows, d hidden, feed-forward, H, G, D, V.</summary>
internal sealed record Shape(string Name, long Batch, long Time, long Hidden, long FeedForward, long Heads, long KeyHeads, long HeadSize, long Vocabulary)
{
    public static Shape SmolLm2 { get; } = new("SmolLM2 135M", 16, 100, 576, 1536, 9, 3, 64, 49152);

    public static Shape TinyWorld { get; } = new("tiny world", 20, 50, 128, 512, 4, 4, 32, 512);

    public long Rows => Batch * Time;
}
