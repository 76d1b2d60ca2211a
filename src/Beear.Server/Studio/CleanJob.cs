using System.Diagnostics;
using System.Runtime.InteropServices;
using Beear.Runtime;

namespace Beear.Server.Studio;

/// <summary>A <c>beear clean</c> that the studio has started, as a process of its own.</summary>
internal sealed partial class CleanJob : IDisposable
{
    private const int MostLines = 400, LongestLine = 2000, InterruptedCode = 130;

    /// <summary>SIGTERM. What a shell runs in the background ignores SIGINT, and so do the processes that it starts.</summary>
    private const int Terminate = 15;

    /// <summary>What the program says once it has been told to stop.</summary>
    private const string Stops = "Stopping at the next step";

    private readonly Lock gate = new();
    private readonly Queue<string> lines = new();
    private readonly Process process;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool isStopping;

    private CleanJob(CleanRequest request, string folder, Process process) => (Request, Folder, this.process) = (request, folder, process);

    /// <summary>What was asked for.</summary>
    public CleanRequest Request { get; }

    /// <summary>The folder that it writes.</summary>
    public string Folder { get; }

    /// <summary>The process's number.</summary>
    public int Id { get; private set; }

    /// <summary>How it ended; null while it is at work.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Whether it ended because somebody told it to.</summary>
    public bool WasStopped => ExitCode == InterruptedCode;

    /// <summary>Whether it was told to stop and is at its last step.</summary>
    public bool IsStopping
    {
        get { lock (gate) return isStopping && ExitCode is null; }
    }

    /// <summary>Completes when it has ended.</summary>
    public Task Ended => ended.Task;

    /// <summary>The last lines that it wrote, as anybody may see them.</summary>
    public IReadOnlyList<string> Lines
    {
        get { lock (gate) return [.. lines]; }
    }

    /// <summary>Starts it.</summary>
    /// <param name="program">The program's file and what comes before the command.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="folder">Where it writes.</param>
    /// <exception cref="BeearException">The program cannot be started.</exception>
    public static CleanJob Start(IReadOnlyList<string> program, CleanRequest request, string folder)
    {
        // A list of arguments: nothing in them is a shell's. The = keeps a model's name from being read as an option.
        string[] command = ["clean", $"--model={request.Model}", $"--out={folder}", .. request.Quick ? ["--quick"] : (string[])[],
            .. request.WithControl ? ["--with-control"] : (string[])[]];
        var start = new ProcessStartInfo(program[0], [.. program.Skip(1), .. command])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Environment.CurrentDirectory,
        };
        var started = new Process { StartInfo = start, EnableRaisingEvents = true };
        var job = new CleanJob(request, folder, started);
        started.OutputDataReceived += (_, line) => job.Take(line.Data);
        started.ErrorDataReceived += (_, line) => job.Take(line.Data);
        try
        {
            started.Start();
        }
        catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            throw new BeearException($"'{program[0]}' cannot be started: {failure.Reason()}", failure);
        }
        job.Id = started.Id;
        started.StandardInput.Close();
        started.BeginOutputReadLine();
        started.BeginErrorReadLine();
        _ = job.Await();
        return job;
    }

    /// <summary>
    /// Tells it to stop at its next step, as Ctrl-C does: the same request goes on there. Where a system cannot tell a process that, it is
    /// ended, and goes on after its last finished round.
    /// </summary>
    public void Stop()
    {
        lock (gate)
        {
            if (ExitCode is not null || isStopping) return;                // a second interrupt would end it at once
            isStopping = true;
        }
        if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
        else _ = Kill(Id, Terminate);
    }

    /// <inheritdoc/>
    public void Dispose() => process.Dispose();

    private async Task Await()
    {
        await process.WaitForExitAsync();
        ExitCode = process.ExitCode;
        ended.SetResult();
    }

    private void Take(string? line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (gate)
        {
            // The interrupt of a terminal goes to all its processes.
            if (line.StartsWith(Stops, StringComparison.Ordinal)) isStopping = true;
            lines.Enqueue(VisibleText.Excerpt(line, LongestLine));
            if (lines.Count > MostLines) lines.Dequeue();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
