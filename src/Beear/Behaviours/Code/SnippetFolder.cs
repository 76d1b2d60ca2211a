using System.Globalization;
using System.Text;

namespace Beear.Behaviours.Code;

/// <summary>Snippets as files, in a folder that only this user can read and that is gone afterwards. All names are ours.</summary>
internal sealed class SnippetFolder : IDisposable
{
    /// <summary>Writes the snippets.</summary>
    public SnippetFolder(IReadOnlyList<string> snippets)
    {
        Root = Directory.CreateTempSubdirectory("beear-code-").FullName;
        try
        {
            Code = Directory.CreateDirectory(Path.Combine(Root, "code")).FullName;
            for (int i = 0; i < snippets.Count; i++) File.WriteAllBytes(Path.Combine(Code, Name(i)), Encoding.UTF8.GetBytes(snippets[i]));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The folder for everything that an analyser needs.</summary>
    public string Root { get; }

    /// <summary>The folder in it that holds the snippets and nothing else.</summary>
    public string Code { get; } = "";

    /// <summary>A snippet's file.</summary>
    public static string Name(int index) => $"s{index:00000}.py";

    /// <summary>Which snippet an analyser means.</summary>
    /// <param name="path">The file as the analyser writes it, behind whatever folders.</param>
    /// <param name="count">How many snippets there are.</param>
    /// <exception cref="BeearException">There is no such snippet.</exception>
    public static int Index(string path, int count)
    {
        string name = path[(path.LastIndexOfAny(['/', '\\']) + 1)..];
        return name.Length > 4
            && int.TryParse(name.AsSpan(1, name.Length - 4), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && index < count && Name(index) == name ? index
            : throw new BeearException($"An analyser speaks of a file that it was not given: '{Runtime.VisibleText.Excerpt(path, 100)}'.");
    }

    /// <summary>Removes everything, also what a process that is just ending still writes.</summary>
    public void Dispose()
    {
        for (int attempt = 1; Directory.Exists(Root); attempt++)
        {
            try
            {
                Directory.Delete(Root, recursive: true);
            }
            catch (IOException) when (attempt < 20)
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(100));
            }
        }
    }
}
