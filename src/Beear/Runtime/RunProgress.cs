namespace Beear.Runtime;

/// <summary>What the units of a progress report are.</summary>
public enum ProgressUnit
{
    /// <summary>Steps, prompts, files: things to count.</summary>
    Items,

    /// <summary>Bytes.</summary>
    Bytes,
}

/// <summary>One report of a long run's progress; passed through <see cref="IProgress{T}"/>.</summary>
/// <param name="Stage">What is being done, in a few words, e.g. "planting".</param>
/// <param name="Done">Units finished; at most <paramref name="Total"/>.</param>
/// <param name="Total">Units in all; 0 when not known.</param>
/// <param name="Detail">The newest figure worth showing, e.g. "loss 0.41"; null when there is none.</param>
/// <param name="Unit">What is counted.</param>
public sealed record RunProgress(string Stage, long Done, long Total, string? Detail = null, ProgressUnit Unit = ProgressUnit.Items);
