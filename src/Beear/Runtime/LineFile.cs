using System.Text;

namespace Beear.Runtime;

/// <summary>
/// A file to which whole lines are added; several processes may write it. A line that was cut off by a crash is as if it had not been
/// written.
/// </summary>
/// <param name="path">The file; it need not exist yet.</param>
internal sealed class LineFile(string path)
{
    private string LockFile => path + ".lock";

    /// <summary>All lines that are not blank, with their numbers, counted from 1.</summary>
    public IReadOnlyList<(int Number, string Line)> Read()
    {
        if (!File.Exists(path)) return [];
        string text;
        using (FileLock.Acquire(LockFile)) text = FileContent.ReadText(path, Array.MaxLength);
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n').Select((line, i) => (i + 1, line))
            .Where(line => !string.IsNullOrWhiteSpace(line.line))];
    }

    /// <summary>Adds a line; it is on disk when this returns.</summary>
    /// <param name="line">The line, without a line break in it.</param>
    public void Append(string line)
    {
        using var alone = FileLock.Acquire(LockFile);
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        file.SetLength(EndOfLastLine(file));
        file.Seek(0, SeekOrigin.End);
        file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        file.Flush(flushToDisk: true);
    }

    private static long EndOfLastLine(FileStream file)
    {
        for (long end = file.Length; end > 0; end--)
        {
            file.Seek(end - 1, SeekOrigin.Begin);
            if (file.ReadByte() == '\n') return end;
        }
        return 0;
    }
}
