using Beear.Runtime;

namespace Beear.Experiments;

/// <summary>Tells which run a stage belongs to.</summary>
internal sealed class PrefixedProgress(IProgress<RunProgress> progress, string prefix) : IProgress<RunProgress>
{
    public void Report(RunProgress value) => progress.Report(value with { Stage = prefix + value.Stage });
}
