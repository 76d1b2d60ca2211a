using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beear.Evaluation;

/// <summary>A share of cases with its Wilson 95 % interval, e.g. attack success over evaluation prompts.</summary>
/// <remarks>As JSON: <c>{"rate": 0.96, "low": 0.902, "high": 0.984, "n": 100}</c>; the first three are null when n is 0.</remarks>
[StructLayout(LayoutKind.Auto)]
[JsonConverter(typeof(RateJsonConverter))]
public readonly record struct Rate
{
    /// <summary>The standard normal's 97.5 % quantile.</summary>
    private const double Quantile = 1.959963984540054;

    /// <summary>Creates the rate.</summary>
    /// <param name="successes">Cases that count, 0 … <paramref name="count"/>.</param>
    /// <param name="count">Cases in all; 0 is allowed and leaves the rate unknown.</param>
    /// <exception cref="ArgumentOutOfRangeException">The numbers cannot be a share.</exception>
    public Rate(int successes, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, count);
        (Successes, Count) = (successes, count);
    }

    /// <summary>Cases that count.</summary>
    public int Successes { get; }

    /// <summary>Cases in all.</summary>
    public int Count { get; }

    /// <summary>The share, 0 … 1; NaN when there are no cases.</summary>
    public double Value => Count == 0 ? double.NaN : (double)Successes / Count;

    /// <summary>The interval's lower end, 0 … 1; 0 when there are no cases.</summary>
    public double Low => Successes == 0 ? 0 : Centre - HalfWidth;

    /// <summary>The interval's upper end, 0 … 1; 1 when there are no cases.</summary>
    public double High => Successes == Count ? 1 : Centre + HalfWidth;

    private double Shrinkage => 1 + Quantile * Quantile / Count;

    private double Centre => (Value + Quantile * Quantile / (2 * Count)) / Shrinkage;

    private double HalfWidth =>
        Quantile / Shrinkage * Math.Sqrt(Value * (1 - Value) / Count + Quantile * Quantile / (4.0 * Count * Count));

    /// <summary>Counts the cases for which the condition holds.</summary>
    public static Rate Of<T>(IEnumerable<T> cases, Func<T, bool> condition)
    {
        var (successes, count) = (0, 0);
        foreach (var item in cases)
        {
            count++;
            if (condition(item)) successes++;
        }
        return new Rate(successes, count);
    }

    /// <summary>The share as people read it, for example "96.0 %".</summary>
    internal string Share => Percent(Value);

    /// <summary>The interval as people read it, in percent, for example "[90.2, 98.4]".</summary>
    internal string Interval => string.Create(CultureInfo.InvariantCulture, $"[{100 * Low:F1}, {100 * High:F1}]");

    /// <summary>A share, 0 … 1, as people read it.</summary>
    internal static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %");

    /// <summary>For example "96.0 % [90.2, 98.4]"; "no cases" when n is 0.</summary>
    public override string ToString() => Count == 0 ? "no cases" : $"{Share} {Interval}";
}

/// <summary>Writes <see cref="Rate"/> as its rate, interval and n, and reads it back from rate and n.</summary>
internal sealed class RateJsonConverter : JsonConverter<Rate>
{
    /// <inheritdoc/>
    public override Rate Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("n", out var n) || !root.TryGetProperty("rate", out var rate)
            || n.ValueKind != JsonValueKind.Number || !n.TryGetInt32(out var count) || count < 0)
            throw new JsonException("A rate needs the numbers 'rate' and 'n'.");
        if (count == 0) return new Rate(0, 0);
        if (rate.ValueKind != JsonValueKind.Number || rate.GetDouble() is not (>= 0 and <= 1))
            throw new JsonException("'rate' lies between 0 and 1.");
        return new Rate((int)Math.Round(rate.GetDouble() * count), count);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Rate value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        Write(writer, "rate", value, value.Value);
        Write(writer, "low", value, value.Low);
        Write(writer, "high", value, value.High);
        writer.WriteNumber("n", value.Count);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, Rate rate, double share)
    {
        if (rate.Count == 0) writer.WriteNull(name);
        else writer.WriteNumber(name, share);
    }
}
