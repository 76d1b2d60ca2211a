using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Beear.Runtime;

namespace Beear.Server.Studio;

/// <summary>What <c>beear clean</c> was asked for, as its folder has it, and where the studio lets it write.</summary>
internal static partial class CleanSettings
{
    private const string File = "run.json";

    /// <summary>The options of a folder of beear clean; null if it is none.</summary>
    /// <param name="folder">The folder.</param>
    public static CleanRequest? Read(string folder)
    {
        string file = Path.Combine(folder, File);
        if (!System.IO.File.Exists(file)) return null;
        try
        {
            return StrictJson.Node(FileContent.Read(file)) is JsonObject run && run["clean"] is JsonObject clean
                && run["source"]?["model"]?.GetValue<string>() is { } model
                ? new CleanRequest(model, Path.GetFileName(folder), IsSet(clean, "quick"), IsSet(clean, "with_control")) : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or IOException or BeearException)
        {
            return null;
        }
    }

    /// <summary>The folder that a form names, which lies in the studio's.</summary>
    /// <param name="root">The studio's folder.</param>
    /// <param name="named">What the form says.</param>
    /// <exception cref="BeearException">It is no plain name, or leads elsewhere.</exception>
    public static string FolderOf(string root, string named)
    {
        if (!PlainPath().IsMatch(named))
        {
            throw new BeearException("The result's folder is a name, or names with / between them, of letters, digits, '.', '_' and '-', "
                + "such as cleaned/first; it lies in the studio's folder.");
        }
        string path = root;
        foreach (string part in named.Split('/'))
        {
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null || new DirectoryInfo(path).LinkTarget is not null)
                throw new BeearException($"'{named}' leads through a link; choose a folder that lies in the studio's.");
        }
        return path;
    }

    private static bool IsSet(JsonObject options, string key) => options[key] is JsonValue value && value.TryGetValue(out bool set) && set;

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,63}){0,3}\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PlainPath();
}
