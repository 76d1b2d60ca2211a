using System.Text;

namespace Beear.Checkpoints.Signing;

/// <summary>The name of a file in a manifest: its path from the folder, with '/' between the parts.</summary>
internal static class ManifestPath
{
    /// <summary>The order of names: part by part, each by its characters, so that what is below 'a' comes before 'a-b'.</summary>
    public static IComparer<string> Order { get; } =
        Comparer<string>.Create((one, other) => Key(one).AsSpan().SequenceCompareTo(Key(other)));

    /// <summary>Whether a name is of a file below the folder.</summary>
    public static bool IsInside(string name) => !name.Contains('\\') && name.Split('/').All(part => part is not ("" or "." or ".."));

    /// <summary>The name of a file or folder; null if it lies elsewhere.</summary>
    public static string? Of(string path, string folder)
    {
        string name = Path.GetRelativePath(folder, path);
        if (Path.IsPathRooted(name)) return null;                            // on another drive
        name = name.Replace(Path.DirectorySeparatorChar, '/');
        return IsInside(name) ? name : null;
    }

    /// <summary>UTF-8 is ordered as characters are; the end of a part comes before them all.</summary>
    private static byte[] Key(string name) => Encoding.UTF8.GetBytes(name.Replace('/', '\0'));
}
