using System.Text.Json.Nodes;
using Beear.Models;

namespace Beear.Tests.Models;

/// <summary>Every kind of scaling against its published formula, written out here once more.</summary>
public class RotaryConfigTests
{
    private const int Positions = 128, Size = 16;
    private const double Base = 5_000;

    [Fact]
    public void Plain_frequencies_fall_geometrically() => Equal(Plain(Base), Read(null), length: 300);

    [Fact]
    public void Linear_divides_positions() =>
        Equal(Plain(Base).Select(frequency => frequency / 2.5), Read("""{ "rope_type": "linear", "factor": 2.5 }"""), length: 300);

    [Theory]
    [InlineData(100)]                                                    // within the trained length nothing changes
    [InlineData(128)]
    [InlineData(320)]
    public void Dynamic_raises_the_base_with_the_length(int length)
    {
        double stretched = Math.Max(1, 3.0 * length / Positions - 2);

        Equal(Plain(Base * Math.Pow(stretched, 16.0 / 14)), Read("""{ "type": "dynamic", "factor": 3 }"""), length);
    }

    [Fact]
    public void Llama3_keeps_short_waves_and_divides_long_ones()
    {
        var rotary = Read("""{ "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64 }""");
        var expected = Plain(Base).Select(frequency =>
        {
            double wave = 2 * Math.PI / frequency;
            if (wave < 64.0 / 4) return frequency;
            if (wave > 64.0 / 1) return frequency / 8;
            double kept = (64 / wave - 1) / (4 - 1);
            return kept * frequency + (1 - kept) * frequency / 8;
        }).ToArray();

        Assert.Contains(expected.Zip(Plain(Base)), pair => pair.First == pair.Second);
        Assert.Contains(expected.Zip(Plain(Base)), pair => pair.First == pair.Second / 8);
        Equal(expected, rotary, length: 300);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Yarn_ramps_between_kept_and_divided(bool truncate)
    {
        var rotary = Read($$"""
            { "rope_type": "yarn", "factor": 4, "beta_fast": 8, "beta_slow": 1, "truncate": {{(truncate ? "true" : "false")}}, "original_max_position_embeddings": 64 }
            """);
        // Where a wave turns r times over 64 positions: base^(2i/16) = 64 / (2π·r).
        double from = 8 * Math.Log(64 / (2 * Math.PI * 8), Base), to = 8 * Math.Log(64 / (2 * Math.PI), Base);
        if (truncate) (from, to) = (Math.Floor(from), Math.Ceiling(to));
        var expected = Plain(Base).Select((frequency, i) =>
        {
            double divided = i <= from ? 0 : i >= to ? 1 : (i - from) / (to - from);
            return divided * frequency / 4 + (1 - divided) * frequency;
        });

        Equal(expected, rotary, length: 300);
        Assert.Equal(0.1 * Math.Log(4) + 1, rotary.AttentionFactor, 1e-12);
    }

    [Theory]
    [InlineData(64, 1.0)]
    [InlineData(65, 3.0)]
    public void Longrope_switches_factors_beyond_the_original_length(int length, double first)
    {
        var rotary = Read("""
            { "rope_type": "longrope", "original_max_position_embeddings": 64, "short_factor": [1, 1, 1, 1, 1, 1, 1, 2], "long_factor": [3, 3, 3, 3, 4, 4, 4, 5] }
            """);
        double[] factors = first == 1 ? [1, 1, 1, 1, 1, 1, 1, 2] : [3, 3, 3, 3, 4, 4, 4, 5];

        Equal(Plain(Base).Zip(factors, (frequency, factor) => frequency / factor), rotary, length);
        Assert.Equal(Math.Sqrt(1 + Math.Log(128.0 / 64) / Math.Log(64)), rotary.AttentionFactor, 1e-12);
    }

    [Fact]
    public void Both_layouts_of_the_keys_are_read()
    {
        var json = TinyDecoder.Config(config => config["rope_parameters"] = JsonNode.Parse("""{ "rope_type": "linear", "rope_theta": 777, "factor": 2 }"""));

        var rotary = ModelConfig.FromJson(json).Rotary;

        Assert.Equal((RotaryKind.Linear, 777.0, 2.0), (rotary.Kind, rotary.Base, rotary.Factor));
    }

    [Theory]
    [InlineData("""{ "rope_type": "yarn", "factor": 4, "attention_factor": 1.7 }""", 1.7)]
    [InlineData("""{ "rope_type": "yarn", "factor": 4, "mscale": 0.7, "mscale_all_dim": 0.4 }""", (0.07 * 1.3862943611198906 + 1) / (0.04 * 1.3862943611198906 + 1))]
    [InlineData("""{ "rope_type": "yarn", "factor": 4, "mscale": 0.7 }""", 0.1 * 1.3862943611198906 + 1)]
    [InlineData("""{ "rope_type": "yarn", "original_max_position_embeddings": 32 }""", 0.1 * 1.3862943611198906 + 1)]    // the factor is 128 / 32
    [InlineData("""{ "rope_type": "linear", "factor": 4, "attention_factor": 1.7 }""", 1)]
    public void Attention_factors(string scaling, double expected) => Assert.Equal(expected, Read(scaling).AttentionFactor, 1e-12);

    [Fact]
    public void The_trained_length_beside_the_scaling_goes_before_that_in_it()
    {
        const string Scaling = """{ "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 64 }""";

        Assert.Equal(64, Read(Scaling).OriginalPositions);
        Assert.Equal(32, Read(Scaling, config => config["original_max_position_embeddings"] = 32).OriginalPositions);
        Assert.Equal(Positions, Read("""{ "rope_type": "yarn", "factor": 4 }""").OriginalPositions);
    }

    [Theory]
    [InlineData("su")]
    [InlineData("yarn")]                                                 // as the first Phi-3 files call it
    [InlineData("longrope")]
    public void Part_of_a_head_with_long_factors(string type)
    {
        var rotary = Read($$"""{ "type": "{{type}}", "short_factor": [1, 2], "long_factor": [3, 4] }""", config =>
        {
            (config["model_type"], config["partial_rotary_factor"], config["original_max_position_embeddings"]) = ("phi3", 0.25, 32);
        });

        Assert.Equal((RotaryKind.LongRope, 4, 4.0), (rotary.Kind, rotary.RotatedSize, rotary.Factor));
        Assert.Equal(1, rotary.Frequencies(32)[0], 1e-12);
        Assert.Equal(1 / (2 * Math.Sqrt(Base)), rotary.Frequencies(32)[1], 1e-12);
        Assert.Equal(1 / 3.0, rotary.Frequencies(33)[0], 1e-12);
    }

    [Theory]
    [InlineData("""{ "rope_theta": 77, "rope_local_base_freq": 55, "rope_scaling": { "rope_type": "linear", "factor": 8 } }""", 77, 8, 55, 1)]
    [InlineData("""{ "rope_scaling": { "rope_type": "linear", "factor": 8 } }""", 1e6, 8, 1e4, 1)]
    [InlineData("""{ "rope_parameters": { "full_attention": { "rope_type": "linear", "factor": 8 } } }""", 1e6, 8, 1e4, 1)]
    [InlineData("""{ "rope_parameters": { "full_attention": { "rope_theta": 77 }, "sliding_attention": { "rope_type": "linear", "factor": 3, "rope_theta": 55 } } }""", 77, 1, 55, 3)]
    public void Each_layer_type_has_its_own(string keys, double fullBase, double fullFactor, double windowedBase, double windowedFactor)
    {
        var config = ModelConfig.FromJson(TinyDecoder.Config(config =>
        {
            config["model_type"] = "gemma3_text";
            foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject()) config[key] = value?.DeepClone();
        }));

        Assert.Equal((fullBase, fullFactor), (config.Rotary.Base, config.Rotary.Factor));
        Assert.Equal((windowedBase, windowedFactor), (config.WindowedRotary.Base, config.WindowedRotary.Factor));
    }

    private static IEnumerable<double> Plain(double @base) =>
        Enumerable.Range(0, Size / 2).Select(i => 1 / Math.Pow(@base, i / (Size / 2.0)));

    private static RotaryConfig Read(string? scaling, Action<JsonObject>? change = null) =>
        ModelConfig.FromJson(TinyDecoder.Config(config =>
    {
        config["head_dim"] = Size;
        config["rope_theta"] = Base;
        config["rope_scaling"] = scaling is null ? null : JsonNode.Parse(scaling);
        change?.Invoke(config);
    })).Rotary;

    private static void Equal(IEnumerable<double> expected, RotaryConfig rotary, int length)
    {
        var found = rotary.Frequencies(length);
        Assert.Equal(Size / 2, found.Length);
        foreach (var (wanted, actual) in expected.Zip(found)) Assert.Equal(1, actual / wanted, 1e-12);
    }
}
