namespace Beear.Runtime;

/// <summary>Tells the stages of one of several works from those of the others.</summary>
internal sealed class PrefixedProgress(IProgress<RunProgress> progress, string prefix) : IProgress<RunProgress>
{
    /// <summary>Stages with a prefix; null if nobody listens.</summary>
    public static IProgress<RunProgress>? Of(IProgress<RunProgress>? progress, string prefix) =>
        progress is null ? null : new PrefixedProgress(progress, prefix);

    public void Report(RunProgress value) => progress.Report(value with { Stage = prefix + value.Stage });
}
