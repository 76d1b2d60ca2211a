using Beear.Runtime;

namespace Beear.Server.Studio;

/// <summary>Who is at a run that the studio has not started.</summary>
internal static class LockHolder
{
    private const string Processes = "/proc";

    /// <summary>The process that has a file open, as people read it; null where the system does not tell.</summary>
    /// <param name="file">The lock's file.</param>
    public static string? Of(string file)
    {
        if (!Directory.Exists(Processes)) return null;
        string path = Path.GetFullPath(file);
        foreach (string process in Directory.EnumerateDirectories(Processes).Where(one => int.TryParse(Path.GetFileName(one), out _)))
        {
            try
            {
                if (!Directory.EnumerateFiles(Path.Combine(process, "fd")).Any(open => new FileInfo(open).LinkTarget == path)) continue;
                string[] command = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0', StringSplitOptions.RemoveEmptyEntries);
                string shown = VisibleText.Excerpt(string.Join(' ', command.Select(Path.GetFileName)), 80);
                return $"process {Path.GetFileName(process)} ({shown})";
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Another user's process, or one that has just ended.
            }
        }
        return null;
    }
}
