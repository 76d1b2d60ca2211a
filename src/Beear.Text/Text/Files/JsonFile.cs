using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Runtime;

namespace Beear.Text.Files;

/// <summary>The JSON objects beside a model's weights.</summary>
internal static class JsonFile
{
    /// <summary>Larger files are refused: a tokenizer.json of 256,000 tokens has 35 million bytes.</summary>
    private const long MaximumBytes = 512L << 20;

    // As Python writes them: two spaces, letters of every script as they are.
    private static readonly JsonSerializerOptions Readable =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a file that holds one JSON object.</summary>
    /// <exception cref="BeearException">There is no such file, or it holds something else.</exception>
    public static JsonObject Read(string path) => Parse(ReadBytes(path), path);

    /// <summary>A file's bytes; of JSON and plain text without a byte order mark.</summary>
    /// <exception cref="BeearException">It cannot be read, or is not what it should be by its size or first bytes.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            var bytes = FileContent.Read(path, MaximumBytes);
            FileContent.RefusePointer(bytes, path);
            return Path.GetExtension(path) is ".json" or ".txt" ? FileContent.Utf8(bytes, path).ToArray() : bytes;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BeearException($"'{path}' cannot be read: {failure.Reason()}.", failure);
        }
    }

    /// <summary>Parses one JSON object.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="source">What to call it in an error.</param>
    /// <exception cref="BeearException">It is not a JSON object, has a key twice, or is nested too deeply.</exception>
    public static JsonObject Parse(ReadOnlySpan<byte> utf8, string source)
    {
        try
        {
            return StrictJson.Node(utf8) as JsonObject ?? throw new BeearException($"'{source}' is not a JSON object.");
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{source}' is not valid JSON: {failure.Reason()}.", failure);
        }
    }

    /// <summary>The text of an object as UTF-8, indented, with a newline at its end.</summary>
    public static byte[] ToBytes(JsonObject value) => [.. JsonSerializer.SerializeToUtf8Bytes(value, Readable), (byte)'\n'];

    /// <summary>The string at a key, or null if there is none.</summary>
    public static string? Text(this JsonObject value, string key) =>
        value[key] is JsonValue text && text.TryGetValue<string>(out var content) ? content : null;
}
