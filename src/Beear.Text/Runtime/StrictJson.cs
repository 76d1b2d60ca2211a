using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace Beear.Runtime;

/// <summary>
/// The one way in which JSON of others becomes values. Whatever is wrong with it (its form, bytes that are no UTF-8, half of a surrogate
/// pair, a value of another type) is a <see cref="JsonException"/> whose message says where and what, so that a reader has one thing to
/// catch.
/// </summary>
internal static class StrictJson
{
    /// <summary>
    /// Escapes of surrogates, in pairs or alone (six letters), and those of other characters, so that an escaped backslash begins none.
    /// </summary>
    private static readonly Regex Escapes =
        new(@"\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u]",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);

    private static readonly JsonDocumentOptions NoRepeats = new() { AllowDuplicateProperties = false };

    /// <summary>
    /// How the program's own JSON is written: a number that is not finite is null, and null is read back as NaN. Copy it to add to it.
    /// </summary>
    public static JsonSerializerOptions Finite { get; } = new() { Converters = { new FiniteDouble(), new FiniteSingle() } };

    /// <summary>The same for files of the program's own: what a record needs must be there, and null stands only where it may.</summary>
    public static JsonSerializerOptions Whole { get; } =
        new(Finite) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>A line of a log: names and enumerations in snake_case, finite numbers.</summary>
    public static JsonSerializerOptions Line { get; } = new(Finite)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The same as a document that people read too; null stands only where it may.</summary>
    public static JsonSerializerOptions Document { get; } = new(Line) { WriteIndented = true, RespectNullableAnnotations = true };

    /// <summary>Parses a value; no object in it has a key twice.</summary>
    /// <exception cref="JsonException">It is no such JSON.</exception>
    public static JsonNode? Node(ReadOnlySpan<byte> utf8)
    {
        Check(utf8);
        try
        {
            return JsonNode.Parse(utf8, nodeOptions: null, NoRepeats);
        }
        catch (JsonException failure)
        {
            throw Placed(failure);
        }
    }

    /// <summary>Parses a value; no object in it has a key twice.</summary>
    /// <exception cref="JsonException">It is no such JSON.</exception>
    public static JsonNode? Node(string text) => Node(Encoding.UTF8.GetBytes(text));

    /// <summary>Parses a value; of a key that comes twice the last counts.</summary>
    /// <exception cref="JsonException">It is no such JSON.</exception>
    public static JsonElement Element(ReadOnlyMemory<byte> utf8)
    {
        Check(utf8.Span);
        using var document = JsonDocument.Parse(utf8);
        return document.RootElement.Clone();
    }

    /// <summary>Parses a value of a type.</summary>
    /// <exception cref="JsonException">It is no JSON, or of another type.</exception>
    public static T? Value<T>(ReadOnlySpan<byte> utf8, JsonSerializerOptions options)
    {
        Check(utf8);
        try
        {
            return JsonSerializer.Deserialize<T>(utf8, options);
        }
        catch (JsonException failure)
        {
            throw Placed(failure);
        }
    }

    /// <summary>Parses a value of a type.</summary>
    /// <exception cref="JsonException">It is no JSON, or of another type.</exception>
    public static T? Value<T>(string text, JsonSerializerOptions options) => Value<T>(Encoding.UTF8.GetBytes(text), options);

    /// <summary>Reads a value to its end.</summary>
    /// <exception cref="JsonException">It is no JSON, or holds text that is none.</exception>
    public static void Check(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8)) throw At(utf8, FirstInvalid(utf8), "this is not UTF-8");
        var reader = new Utf8JsonReader(utf8);
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped && !IsText(ref reader)) throw At(utf8, (int)reader.TokenStartIndex,
                    @"half of a surrogate pair (such as \ud800 alone) is no character");
            }
        }
        catch (JsonException failure) when (failure.LineNumber is not null)
        {
            throw Placed(failure);
        }
    }

    /// <summary>JSON in which an escape of half a surrogate pair is one of U+FFFD, for programs that write such halves.</summary>
    public static string WithWholeCharacters(string json) => Escapes.Replace(json, match => match.Length == 6 ? @"\ufffd" : match.Value);

    /// <summary>The parser's reason without the position, which it counts from 0.</summary>
    public static string Reason(JsonException failure)
    {
        string message = failure.Message;
        foreach (string place in (string[])[" Path:", " LineNumber:"])
        {
            if (message.IndexOf(place, StringComparison.Ordinal) is var position and >= 0) message = message[..position];
        }
        return message.TrimEnd('.');
    }

    private static bool IsText(ref Utf8JsonReader reader)
    {
        try
        {
            _ = reader.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int offset = 0;
        while (Rune.DecodeFromUtf8(bytes[offset..], out _, out int length) == OperationStatus.Done) offset += length;
        return offset;
    }

    private static JsonException At(ReadOnlySpan<byte> bytes, int offset, string reason) =>
        new(FormattableString.Invariant(
            $"line {bytes[..offset].Count((byte)'\n') + 1}, column {offset - bytes[..offset].LastIndexOf((byte)'\n')}: {reason}"));

    private static JsonException Placed(JsonException failure) => failure.LineNumber is { } line
        ? new JsonException(FormattableString.Invariant(
            $"line {line + 1}, column {failure.BytePositionInLine + 1}: {Reason(failure)}"), failure)
                : new JsonException(Reason(failure), failure);

    private sealed class FiniteDouble : JsonConverter<double>
    {
        public override bool HandleNull => true;

        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteNullValue();
        }
    }

    private sealed class FiniteSingle : JsonConverter<float>
    {
        public override bool HandleNull => true;

        public override float Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? float.NaN : reader.GetSingle();

        public override void Write(Utf8JsonWriter writer, float value, JsonSerializerOptions options)
        {
            if (float.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteNullValue();
        }
    }
}
