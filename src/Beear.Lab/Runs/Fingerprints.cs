using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Beear.Lab.Runs;

/// <summary>Hashes of model and data files, so that a file that has changed makes another run.</summary>
internal static class Fingerprints
{
    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Written), string> Known = new();
    private static readonly string[] Ignored = [".lock", ".md"];

    /// <summary>
    /// The SHA-256 of a file, or of a directory: that of a line "NAME SHA-256" for each file in it, in the order of their names; "missing"
    /// if there is neither.
    /// </summary>
    public static string Of(string path)
    {
        if (File.Exists(path)) return OfFile(path);
        if (!Directory.Exists(path)) return "missing";
        var list = new StringBuilder();
        foreach (string file in Directory.EnumerateFiles(path).Where(file => !Ignored.Contains(Path.GetExtension(file)))
            .Order(StringComparer.Ordinal))
            list.Append(Path.GetFileName(file)).Append(' ').Append(OfFile(file)).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())));
    }

    /// <summary>The SHA-256 of texts: of their JSON strings, each with a line feed after it.</summary>
    public static string OfLines(IEnumerable<string> texts) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Concat(texts.Select(text => JsonSerializer.Serialize(text) + "\n")))));

    private static string OfFile(string path)
    {
        var file = new FileInfo(path);
        return Known.GetOrAdd((file.FullName, file.Length, file.LastWriteTimeUtc), static key =>
        {
            using var stream = File.OpenRead(key.Path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        });
    }
}
