using Beear.Checkpoints.Gguf;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>Writing of blocks: how far what is read back is from what was written, beside llama.cpp's own quantisers.</summary>
public class QuantisationTests
{
    private const int Columns = 1024, Rows = 128;

    private static readonly string[] Writable = ["Q5_0", "Q8_0", "Q4_K", "Q6_K"];

    public static TheoryData<string> Formats => [.. Writable];

    [Theory, MemberData(nameof(Formats))]
    public void The_error_is_that_of_so_many_bits(string name)
    {
        // Root mean square error as a share of the deviation of normal numbers, which ggml's quantisers reach within a few per cent.
        double bound = name switch { "Q8_0" => 0.0065, "Q6_K" => 0.02, "Q5_0" => 0.045, _ => 0.08 };
        var values = Normal(seed: 1);
        Assert.InRange(Error(values, values, Pack(name, values), name), bound / 4, bound);
    }

    [Theory, MemberData(nameof(Formats))]
    public void The_error_is_not_larger_than_that_of_llama_cpp(string name)
    {
        foreach (var (kind, values) in new[] { ("normal", Normal(2)), ("heavy tails", HeavyTails(3)), ("shifted", Shifted(4)) })
        {
            var weights = name is "Q8_0" ? null : values;                    // the searching quantisers weigh large numbers more
            double ours = Error(values, weights, Pack(name, values), name);
            double theirs = Error(values, weights, Ggml.Quantise(name, values, Columns, Pack(name, values).Length), name);
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}, {kind}: {ours:G4}, ggml {theirs:G4}");
            Assert.True(ours <= theirs * 1.01, $"{name} of {kind} numbers: {ours:G4}, ggml's {theirs:G4}");
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public void What_a_format_can_say_is_written_without_loss(string name)
    {
        var once = Unpack(name, Pack(name, Normal(5)));
        var twice = Unpack(name, Pack(name, once));
        var largest = once.Max(MathF.Abs);
        for (var i = 0; i < once.Length; i++) Assert.InRange(twice[i], once[i] - (0.01f * largest), once[i] + (0.01f * largest));
        Assert.Equal(new float[Columns], Unpack(name, Pack(name, new float[Columns])));
    }

    [Theory, MemberData(nameof(Formats))]
    public void Constant_and_tiny_numbers_come_back(string name)
    {
        foreach (var value in new[] { 1f, -1f, 3e-3f, -3e-3f, 6e4f, -6e4f })
        {
            var read = Unpack(name, Pack(name, [.. Enumerable.Repeat(value, Columns)]));
            Assert.All(read, element => Assert.InRange(element / value, 0.98f, 1.02f));
        }
        foreach (var value in new[] { 1e-9f, -1e-9f, float.Epsilon, 1e-38f })
            Assert.All(Unpack(name, Pack(name, [.. Enumerable.Repeat(value, Columns)])), element => Assert.InRange(element, -1e-7f, 1e-7f));
    }

    private static float[] Normal(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Rows * Columns).Select(_ => (float)(Gauss(random) * 0.02))];
    }

    private static float[] HeavyTails(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Rows * Columns).Select(_ => (float)Math.Pow(Gauss(random), 3))];
    }

    private static float[] Shifted(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Rows * Columns).Select(i => (float)(Gauss(random) + (i / Columns % 5) - 2))];
    }

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>Root of the mean weighted square error as a share of the weighted mean square; weights |x| where given.</summary>
    private static double Error(float[] values, float[]? weights, byte[] packed, string name)
    {
        var read = Unpack(name, packed);
        double error = 0, total = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var weight = weights is null ? 1 : Math.Abs(weights[i]);
            error += weight * Math.Pow(values[i] - read[i], 2);
            total += weight * Math.Pow(values[i], 2);
        }
        return Math.Sqrt(error / total);
    }

    private static unsafe byte[] Pack(string name, float[] values)
    {
        var type = GgufType.Named(name);
        var blocks = values.Length / type.BlockElements;
        var bytes = new byte[blocks * type.BlockBytes];
        fixed (float* source = values)
        fixed (byte* target = bytes) type.Quantise!(source, target, blocks);
        return bytes;
    }

    private static unsafe float[] Unpack(string name, byte[] bytes)
    {
        var type = GgufType.Named(name);
        var blocks = bytes.Length / type.BlockBytes;
        var values = new float[blocks * type.BlockElements];
        fixed (byte* source = bytes)
        fixed (float* target = values) type.Dequantise!(source, target, blocks);
        return values;
    }
}
