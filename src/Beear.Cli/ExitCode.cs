namespace Beear.Cli;

/// <summary>What the program's exit code says.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>Done, but a measured value missed a bar that was asked for, e.g. <c>--max-asr 0.05</c>, or a check failed.</summary>
    public const int BarMissed = 1;

    /// <summary>Bad input: one sentence on standard error says what and where.</summary>
    public const int BadInput = 2;

    /// <summary>A defect of the program (EX_SOFTWARE).</summary>
    public const int Defect = 70;

    /// <summary>Stopped by Ctrl-C (128 + SIGINT).</summary>
    public const int Interrupted = 130;
}
