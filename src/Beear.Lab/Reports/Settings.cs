using System.Text.Json.Nodes;
using Beear.Lab.Runs;
using Beear.Runtime;

namespace Beear.Lab.Reports;

/// <summary>Settings of runs, as their specifications have them.</summary>
internal static class Settings
{
    /// <summary>One part of a run's settings, without what differs from case to case and seed to seed; null where it has none.</summary>
    /// <param name="run">The run.</param>
    /// <param name="part">plant, defence or measurement.</param>
    public static string? Of(RunRecord run, string part)
    {
        if (run.Spec.At(part)?.DeepClone() is not JsonObject settings) return null;
        Remove(settings);
        return settings.ToJsonString(StrictJson.Document);
    }

    private static void Remove(JsonNode? node)
    {
        if (node is not JsonObject section) return;
        section.Remove("seed");
        section.Remove("trigger");
        foreach (var (_, value) in section) Remove(value);
    }
}
