using System.Runtime.InteropServices;

namespace Beear.Cli;

/// <summary>Turns the first Ctrl-C (or SIGTERM) into a request to stop at the next step; the second ends the process.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly TextWriter error;
    private readonly PosixSignalRegistration[] registrations;

    public Interruption(TextWriter error)
    {
        this.error = error;
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested) Environment.Exit(ExitCode.Interrupted);
        context.Cancel = true;
        error.WriteLine();
        error.WriteLine("Stopping at the next step; a run that writes to a folder goes on where it was when the same command is given "
            + "again. Ctrl-C again ends it at once.");
        source.Cancel();
    }
}
