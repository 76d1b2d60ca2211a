using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beear.Runtime;

namespace Beear.Checkpoints.Signing;

/// <summary>How a signature's JSON is read and written. Of what comes from outside nothing is certain: every member may be null.</summary>
internal static class SigningJson
{
    private static readonly JsonSerializerOptions Compact = new(StrictJson.Finite)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        AllowDuplicateProperties = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>As the reference writes what is signed: indented, in ASCII.</summary>
    private static readonly JsonSerializerOptions Indented = new(StrictJson.Finite)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>Parses an object; members that the type does not have are passed over.</summary>
    /// <exception cref="BeearException">It is not JSON, or of another form.</exception>
    public static T Read<T>(ReadOnlySpan<byte> utf8, string source) where T : class
    {
        try
        {
            return StrictJson.Value<T>(utf8, Compact) ?? throw new JsonException("null stands where an object is needed");
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{source}' is not the JSON of a signature: {failure.Reason()}.", failure);
        }
    }

    /// <summary>The object on one line.</summary>
    public static byte[] ToBytes<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Compact);

    /// <summary>The object on many lines.</summary>
    public static byte[] ToIndentedBytes<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Indented);
}
