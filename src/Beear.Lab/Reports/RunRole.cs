using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Lab.Runs;
using Beear.Runtime;

namespace Beear.Lab.Reports;

/// <summary>What a run is beside the others of its plan, as its specification says; in the order in which reports show them.</summary>
internal enum RunRole
{
    /// <summary>The backdoored model as it is.</summary>
    Planted,

    /// <summary>The backdoored model after a defence.</summary>
    Defended,

    /// <summary>The same after plain fine-tuning with the same data and steps: what every defence is held against.</summary>
    PlainTraining,

    /// <summary>The backdoored model, measured with another trigger than its own.</summary>
    WrongTrigger,

    /// <summary>A model that was never backdoored, as it is.</summary>
    Clean,

    /// <summary>The same after a defence: what the defence costs where there is nothing to remove.</summary>
    CleanDefended,
}

/// <summary>Reads specifications of runs, whatever stands in them.</summary>
internal static class RunRoles
{
    private static readonly string Plain = JsonNamingPolicy.SnakeCaseLower.ConvertName(nameof(Mitigation.DefenceKind.SafetyFineTuning));

    /// <summary>What the run is.</summary>
    public static RunRole Role(this RunRecord run)
    {
        bool isDefended = run.Spec.At("defence") is not null;
        if (run.Spec.At("plant", "backdoored") is null && run.Spec.At("plant", "attack", "trigger") is null)
            return isDefended ? RunRole.CleanDefended : RunRole.Clean;
        if (isDefended) return run.DefenceKind() == Plain ? RunRole.PlainTraining : RunRole.Defended;
        string planted = run.Spec.TextAt("plant", "attack", "trigger", "name") ?? run.Name.Case;
        return run.Spec.TextAt("measurement", "trigger", "name") is { } measured && measured != planted
            ? RunRole.WrongTrigger : RunRole.Planted;
    }

    /// <summary>The defence's name, for example beear; null where there was none.</summary>
    public static string? DefenceKind(this RunRecord run) => run.Spec.TextAt("defence", "kind");

    /// <summary>The arm as people read it, with the defence, or the wrong trigger, where the arm's own name does not say it.</summary>
    public static string ArmTitle(this RunRecord run)
    {
        string arm = Reports.ArmTitle.Of(run.Name.Arm);
        string? done = run.Role() == RunRole.WrongTrigger ? "wrong trigger" : run.DefenceKind() is { } kind
            ? Reports.ArmTitle.Of(kind) : null;
        return done is null || arm.Contains(done, StringComparison.OrdinalIgnoreCase) ? arm : $"{arm} ({done})";
    }

    /// <summary>One part of a run's settings, without what differs from case to case and seed to seed; null where it has none.</summary>
    /// <param name="run">The run.</param>
    /// <param name="part">plant, defence or measurement.</param>
    /// <param name="withLayer">Whether the layer stays that a sweep over layers sets.</param>
    public static string? Settings(this RunRecord run, string part, bool withLayer = true)
    {
        if (run.Spec.At(part)?.DeepClone() is not JsonObject settings) return null;
        Remove(settings);
        if (!withLayer) LayerPlace.RemoveLayer(settings);
        return settings.ToJsonString(StrictJson.Document);

        static void Remove(JsonNode? node)
        {
            if (node is not JsonObject section) return;
            section.Remove("seed");
            section.Remove("trigger");
            foreach (var (_, value) in section) Remove(value);
        }
    }

    /// <summary>What stands at a place; null if nothing does.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (string key in path) node = (node as JsonObject)?[key];
        return node;
    }

    /// <summary>The text at a place; null if there is none.</summary>
    public static string? TextAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}

/// <summary>Names of arms as people read them.</summary>
public static class ArmTitle
{
    /// <summary>For example "plain safety fine-tuning" for safety_fine_tuning.</summary>
    public static string Of(string arm) => arm switch
    {
        "planted" => "backdoor planted",
        "safety_fine_tuning" => "plain safety fine-tuning",
        "beear" => "BEEAR",
        "paper" => "the paper's settings",
        "crow" => "CROW",
        "token_space" => "token-space counterpart",
        "wrong_trigger" => "planted, wrong trigger",
        "parent" => "clean parent, as it came",
        "clean" => "never backdoored",
        "clean_beear" => "never backdoored, BEEAR",
        _ => arm.Replace('_', ' '),
    };
}
