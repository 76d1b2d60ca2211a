namespace Beear.Bench;

/// <summary>Sizes of a model and of one batch: N token rows, d hidden, feed-forward, H, D, V.</summary>
public sealed record Shape(string Name, long Batch, long Time, long Hidden, long FeedForward, long Heads, long HeadSize, long Vocabulary)
{
    public static Shape SmolLm2 { get; } = new("SmolLM2 135M", 16, 100, 576, 1536, 9, 64, 49152);

    public static Shape TinyWorld { get; } = new("tiny world", 20, 50, 128, 512, 4, 32, 512);

    public long Rows => Batch * Time;

    public override string ToString() => Name;
}
