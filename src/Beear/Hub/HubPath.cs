using System.Buffers;

namespace Beear.Hub;

/// <summary>
/// Names that a server sent and that become paths here: only those that stay inside the folder they are joined to, on every system.
/// </summary>
internal static class HubPath
{
    private const int LongestPath = 1024;
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\:*?\"<>|");

    /// <summary>
    /// Whether a path with '/' between its parts names a file below any folder, under the rules of both Unix and Windows.
    /// </summary>
    public static bool IsSafe(string path) =>
        path.Length is > 0 and <= LongestPath && !path.AsSpan().ContainsAny(Forbidden) && !path.Any(char.IsControl)
            && path.Split('/').All(part => part.Length > 0 && part[^1] is not ('.' or ' ') && part[0] != ' ');

    /// <summary>Whether a text is a hash of so many hexadecimal digits, in lower case.</summary>
    public static bool IsHash(string text, int digits) => text.Length == digits && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The path of a safe name below a folder.</summary>
    public static string Below(string folder, string path) => IsSafe(path)
        ? Path.Combine([folder, .. path.Split('/')])
        : throw new ArgumentException("The path is not safe; it should have been refused before.", nameof(path));
}
