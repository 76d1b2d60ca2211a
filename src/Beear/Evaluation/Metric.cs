using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beear.Evaluation;

/// <summary>One measured number: a rate with its counts and interval, or a value with its unit.</summary>
/// <remarks>As JSON a rate is <c>{"rate", "low", "high", "n"}</c>, anything else <c>{"value", "unit"}</c>.</remarks>
[JsonConverter(typeof(MetricJsonConverter))]
public sealed record Metric
{
    private Metric(Rate? rate, double value, string unit) => (Rate, Value, Unit) = (rate, value, unit);

    /// <summary>The counts and the interval of a rate; null for any other number.</summary>
    public Rate? Rate { get; }

    /// <summary>The number; of a rate its share, 0 … 1.</summary>
    public double Value { get; }

    /// <summary>Its unit, for example "share", "nats/token", "s".</summary>
    public string Unit { get; }

    /// <summary>A rate.</summary>
    public static Metric Of(Rate rate) => new(rate, rate.Value, Share);

    /// <summary>A number.</summary>
    public static Metric Of(double value, string unit) => new(null, value, unit);

    /// <summary>The unit of rates.</summary>
    public const string Share = "share";

    /// <summary>For example "96.0 % [90.2, 98.4]", or "1.396 nats/token".</summary>
    public override string ToString() => Rate?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"{Value:0.###} {Unit}");
}

/// <summary>Writes and reads <see cref="Metric"/>.</summary>
internal sealed class MetricJsonConverter : JsonConverter<Metric>
{
    /// <inheritdoc/>
    public override Metric Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("n", out _)) return Metric.Of(root.Deserialize<Rate>(options));
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("value", out var value)
            && root.TryGetProperty("unit", out var unit)
            && value.ValueKind == JsonValueKind.Number && unit.GetString() is { Length: > 0 } name)
            return Metric.Of(value.GetDouble(), name);
        throw new JsonException("A metric is a rate with 'rate' and 'n', or has 'value' and 'unit'.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Metric value, JsonSerializerOptions options)
    {
        if (value.Rate is { } rate)
        {
            JsonSerializer.Serialize(writer, rate, options);
            return;
        }
        writer.WriteStartObject();
        writer.WriteNumber("value", value.Value);
        writer.WriteString("unit", value.Unit);
        writer.WriteEndObject();
    }
}
