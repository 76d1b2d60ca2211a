using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Beear.Runtime;

/// <summary>What a program may use.</summary>
/// <param name="Time">By the clock.</param>
/// <param name="MemoryBytes">Address space of each process; null where the program reserves far more than it uses. Unix only.</param>
/// <param name="ProcessorTime">Of each process; null for <paramref name="Time"/>. Unix only.</param>
/// <param name="OutputBytes">What it may write to its standard output.</param>
internal sealed record ProcessLimits(TimeSpan Time, long? MemoryBytes = null, TimeSpan? ProcessorTime = null, int OutputBytes = 64 << 20);

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Above 128 it was ended by the signal of that number less 128.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">The end of its standard error.</param>
internal sealed record ProcessOutput(int ExitCode, byte[] Output, string Error)
{
    /// <summary>The failure as one sentence.</summary>
    /// <param name="name">What to call the program.</param>
    public BeearException Failure(string name)
    {
        string end = ExitCode > 128 ? $"was ended by signal {ExitCode - 128}" : $"ended with code {ExitCode}";
        return new BeearException(LastLine() is { Length: > 0 } line
            ? Failures.Ended($"{name} {end}: {line}") : $"{name} {end} and does not say why.");
    }

    private string LastLine() => VisibleText.Excerpt(
        Error.Split('\n').Select(line => line.Trim()).LastOrDefault(line => line.Length > 0) ?? "", 200);
}

/// <summary>
/// Runs other people's programs on hostile files: without a shell's view of the arguments, in a folder of their own, with an almost empty
/// environment, with limits, and not after their time.
/// </summary>
internal static class LimitedProcess
{
    /// <summary>Sets limits, and then is the program. A limit that the system does not know is none.</summary>
    private const string Limiter = """
        ulimit -c 0 2>/dev/null
        [ -z "$1" ] || ulimit -v "$1" 2>/dev/null
        [ -z "$2" ] || ulimit -t "$2" 2>/dev/null
        shift 2
        exec "$@"
        """;

    private const int ErrorBytes = 64 << 10;

    /// <summary>What a program needs to find itself, its settings and its libraries; nothing that changes what Python does.</summary>
    private static readonly string[] Kept = ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "SystemRoot", "SystemDrive",
        "ComSpec", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles", "NUMBER_OF_PROCESSORS"];

    private static readonly TimeSpan LastMoments = TimeSpan.FromSeconds(5);

    /// <summary>Where a program lies.</summary>
    /// <param name="program">Its name, or a path, which is taken as it is.</param>
    /// <param name="advice">What to do where it is missing, as the rest of the sentence.</param>
    /// <exception cref="BeearException">It is not on PATH.</exception>
    public static string Find(string program, string advice)
    {
        if (Path.GetFileName(program) != program)
            return File.Exists(program) ? Path.GetFullPath(program) : throw new BeearException($"There is no '{program}'; {advice}.");
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd", ".bat"] : [""];
        var places = from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                     where Path.IsPathFullyQualified(folder)              // a program in whatever folder one works in is nobody's wish
                     from ending in endings
                     select Path.Combine(folder, program + ending);
        return places.FirstOrDefault(File.Exists) ?? throw new BeearException($"{program} is not on PATH; {advice}.");
    }

    /// <summary>Runs a program to its end, however it ends.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Its arguments, each as it is.</param>
    /// <param name="folder">Where it works.</param>
    /// <param name="limits">What it may use.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="BeearException">It cannot be started, takes too long or writes too much.</exception>
    public static ProcessOutput Run(
        string program, IReadOnlyList<string> arguments, string folder, ProcessLimits limits, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        string name = Path.GetFileName(program);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var process = Start(program, arguments, folder, limits);
        try
        {
            process.StandardInput.Close();
            over.CancelAfter(limits.Time);
            var output = ReadAsync(process.StandardOutput.BaseStream, limits.OutputBytes, name, over.Token);
            var error = EndAsync(process.StandardError.BaseStream, over.Token);
            WaitAsync(process, output, error, over.Token).GetAwaiter().GetResult();
            return new ProcessOutput(process.ExitCode, output.Result, error.Result);
        }
        catch (OperationCanceledException failure)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new BeearException(FormattableString.Invariant(
                $"{name} took more than {limits.Time.TotalSeconds:0.#} seconds and was ended."), failure);
        }
        finally
        {
            End(process);
        }
    }

    /// <summary>The first failure ends the wait, so that a program that writes without end is not waited for.</summary>
    private static async Task WaitAsync(Process process, Task output, Task error, CancellationToken cancellation)
    {
        List<Task> open = [output, error, process.WaitForExitAsync(cancellation)];
        while (open.Count > 0)
        {
            var done = await Task.WhenAny(open).WaitAsync(cancellation).ConfigureAwait(false);
            await done.ConfigureAwait(false);
            open.Remove(done);
        }
    }

    private static Process Start(string program, IReadOnlyList<string> arguments, string folder, ProcessLimits limits)
    {
        var processor = limits.ProcessorTime ?? limits.Time;
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(program, arguments)
            : new ProcessStartInfo("/bin/sh", ["-c", Limiter, "sh",
                FormattableString.Invariant($"{limits.MemoryBytes / 1024}"),
                FormattableString.Invariant($"{Math.Ceiling(processor.TotalSeconds):0}"), program, .. arguments]);
        start.WorkingDirectory = folder;
        start.UseShellExecute = false;
        start.CreateNoWindow = true;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment.Clear();
        foreach (string name in Kept)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value) start.Environment[name] = value;
        }
        start.Environment["LANG"] = start.Environment["LC_ALL"] = "C.UTF-8";
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception failure)
        {
            throw new BeearException($"'{program}' cannot be started: {failure.Reason()}.", failure);
        }
    }

    private static async Task<byte[]> ReadAsync(Stream stream, int most, string name, CancellationToken cancellation)
    {
        using var read = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        while (await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) is var count and > 0)
        {
            if (read.Length + count > most) throw new BeearException($"{name} wrote more than {most >> 20} MB and was ended.");
            read.Write(buffer, 0, count);
        }
        return read.ToArray();
    }

    /// <summary>Reads to the end and keeps the end.</summary>
    private static async Task<string> EndAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] buffer = new byte[2 * ErrorBytes];
        int kept = 0;
        while (await stream.ReadAsync(buffer.AsMemory(kept), cancellation).ConfigureAwait(false) is var count and > 0)
        {
            kept += count;
            if (kept < buffer.Length) continue;
            buffer.AsSpan(ErrorBytes).CopyTo(buffer);
            kept = ErrorBytes;
        }
        return Encoding.UTF8.GetString(buffer, 0, kept);
    }

    private static void End(Process process)
    {
        try
        {
            if (process.HasExited) return;
            process.Kill(entireProcessTree: true);
            process.WaitForExit(LastMoments);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended by itself in the meantime.
        }
    }
}
