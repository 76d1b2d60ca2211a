using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Runtime;

namespace Beear.Hub;

/// <summary>A file of a repository at one commit.</summary>
/// <param name="Path">Its path in the repository, '/' between the parts: what the server wrote, perhaps no safe path.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="GitHash">The git hash (SHA-1) of its content, or of the pointer that stands for it.</param>
/// <param name="Sha256">The SHA-256 of a large file's content; null for a file that git itself holds.</param>
internal sealed record HubFile(string Path, long Size, string GitHash, string? Sha256)
{
    /// <summary>The hash of the content; also the entity tag that the hub serves it under, and its name in the cache.</summary>
    public string Hash => Sha256 ?? GitHash;
}

/// <summary>
/// All files of a repository at one commit, in the two forms of JSON in which they come: from the hub, and from the cache.
/// </summary>
internal static class HubListing
{
    /// <summary>A repository of more files is no model.</summary>
    public const int MostFiles = 100_000;

    /// <summary>The largest size that a listing may name, in bytes: even <see cref="MostFiles"/> of these can be added up.</summary>
    private const long MostBytes = 1L << 46;

    private const int FormatVersion = 1;

    /// <summary>Reads one page of the hub's tree API; folders are left out.</summary>
    /// <exception cref="FormatException">It is no such page.</exception>
    public static IEnumerable<HubFile> ReadPage(ReadOnlySpan<byte> utf8) =>
        Parse(utf8) is JsonArray entries
            ? [.. entries.OfType<JsonObject>().Where(entry => Text(entry, "type") == "file").Select(ReadEntry)]
            : throw new FormatException("a list of files is not a JSON array");

    /// <summary>Reads a listing that the cache holds; null if it is of another version or damaged.</summary>
    public static IReadOnlyList<HubFile>? ReadCached(ReadOnlySpan<byte> utf8)
    {
        try
        {
            if (Parse(utf8) is not JsonObject listing || Number(listing, "format_version") != FormatVersion
                || listing["files"] is not JsonObject files) return null;
            return [.. files.Select(file => file.Value is JsonObject entry
                ? File(file.Key, Text(entry, "blob_id"), Number(entry, "size"), Text(entry, "lfs_sha256"), Number(entry, "lfs_size"))
                : throw new FormatException())];
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Writes a listing as the cache holds it.</summary>
    public static byte[] ToCached(IEnumerable<HubFile> files)
    {
        var entries = new JsonObject();
        foreach (var file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
        {
            var entry = new JsonObject { ["size"] = file.Size, ["blob_id"] = file.GitHash };
            if (file.Sha256 is { } hash) (entry["lfs_sha256"], entry["lfs_size"]) = (hash, file.Size);
            entries[file.Path] = entry;
        }
        return JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["format_version"] = FormatVersion, ["files"] = entries });
    }

    private static HubFile ReadEntry(JsonObject entry)
    {
        var large = entry["lfs"] as JsonObject;
        return File(Text(entry, "path"), Text(entry, "oid"), Number(entry, "size"), large is null ? null : Text(large, "oid")
            ?? "", large is null ? null : Number(large, "size"));
    }

    private static HubFile File(string? path, string? gitHash, long? size, string? sha256, long? largeSize)
    {
        var bytes = (sha256 is null ? size : largeSize) ?? -1;
        if (path is null || gitHash is null || !HubPath.IsHash(gitHash, 40) || (sha256 is not null && !HubPath.IsHash(sha256, 64))
            || bytes is < 0 or > MostBytes)
            throw new FormatException($"the entry of a file lacks its path, size or hash");
        return new HubFile(path, bytes, gitHash, sha256);
    }

    internal static JsonNode? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return StrictJson.Node(utf8);
        }
        catch (JsonException failure)
        {
            throw new FormatException("it is not valid JSON", failure);
        }
    }

    internal static string? Text(JsonObject entry, string key) =>
        entry[key] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static long? Number(JsonObject entry, string key) =>
        entry[key] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;
}
