using System.Text.Json.Nodes;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>Where a run stands in a sweep over layers, as its arm and its specification say.</summary>
/// <param name="Recipe">The arm's name without the layer.</param>
/// <param name="Kind">The defence.</param>
/// <param name="StopsBelow">The run ended after the first round whose attack success with the trigger was below this, 0 … 1.</param>
/// <param name="Layer">The perturbed layer: so many decoder layers run before δ is added, 0 for the embeddings.</param>
internal sealed record LayerPlace(string Recipe, string Kind, double StopsBelow, int Layer)
{
    /// <summary>The defences whose layer is known here.</summary>
    public const string Beear = "beear", Paper = "paper";

    private const string BeforeLayer = ", layer ";

    /// <summary>The place of a run; null if it is part of no sweep.</summary>
    public static LayerPlace? Of(RunRecord run)
    {
        int end = run.Name.Arm.LastIndexOf(BeforeLayer, StringComparison.Ordinal);
        return end > 0 && run.DefenceKind() is { } kind && LayerOf(run) is { } layer
            && run.Spec.At("measurement", "stops_below") is JsonValue value && value.TryGetValue(out double below)
            ? new LayerPlace(run.Name.Arm[..end], kind, below, layer) : null;
    }

    /// <summary>Takes the layer out of a defence's settings.</summary>
    public static void RemoveLayer(JsonObject defence)
    {
        var (section, key) = PlaceOf(defence);
        section?.Remove(key);
    }

    private static int? LayerOf(RunRecord run)
    {
        var (section, key) = PlaceOf(run.Spec.At("defence"));
        var layer = section?[key] is JsonArray list ? list.Count == 1 ? list[0] : null : section?[key];
        return layer is JsonValue value && value.TryGetValue(out int known) ? known : null;
    }

    /// <summary>Where the settings of a defence have the layer; null for one whose layer is not known here.</summary>
    private static (JsonObject? Section, string Key) PlaceOf(JsonNode? defence) => defence.TextAt("kind") switch
    {
        Paper => (defence.At("baseline") as JsonObject, "layer"),
        Beear => (defence.At("options", "inner") as JsonObject, "perturbed_layers"),
        _ => (null, ""),
    };
}
