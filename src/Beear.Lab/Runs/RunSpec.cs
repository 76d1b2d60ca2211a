using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Runtime;

namespace Beear.Lab.Runs;

/// <summary>What tables call a run; it decides nothing.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Case">What was planted, for example the trigger's name.</param>
/// <param name="Arm">What was done about it.</param>
/// <param name="Seed">The seed.</param>
public sealed record RunName(string Plan, string Case, string Arm, int Seed)
{
    /// <summary>The case of a model that was never backdoored.</summary>
    public const string NoTrigger = "none";

    /// <summary>The arm of the planted models as they are.</summary>
    public const string Planted = "planted";

    /// <summary>The arm of models that were fine-tuned without a trigger, as they are.</summary>
    public const string NeverBackdoored = "never backdoored";

    /// <summary>For example "beear, model1, seed 1".</summary>
    public override string ToString() => $"{Arm}, {Case}, seed {Seed}";
}

/// <summary>
/// All that decides a run's result, every option written out. Runs that agree in a stage and in all before it share its work; two runs with
/// the same specification are one.
/// </summary>
/// <param name="Plant">Base, data, attack, trigger and seed of the model that is planted.</param>
/// <param name="Defence">Defence, its data and options; null for none.</param>
/// <param name="Measurement">What is measured, and how.</param>
public sealed record RunSpec(JsonObject Plant, JsonObject? Defence, JsonObject Measurement)
{
    private const int IdBytes = 8;

    /// <summary>The planted model's identity, 16 hexadecimal digits.</summary>
    public string PlantId => field ??= Hash(Plant);

    /// <summary>The defended model's identity; the planted one's where there is no defence.</summary>
    public string DefendedId => field ??= Defence is null ? PlantId : Hash(Plant, Defence);

    /// <summary>The run's identity.</summary>
    public string Id => field ??= Hash(Plant, Defence, Measurement);

    /// <summary>As records have it.</summary>
    public JsonObject ToJson() => new()
    {
        ["plant"] = Plant.DeepClone(),
        ["defence"] = Defence?.DeepClone(),
        ["measurement"] = Measurement.DeepClone(),
    };

    /// <summary>Options as a specification has them: names in snake_case, every default written out.</summary>
    internal static JsonObject Section(object options) => JsonSerializer.SerializeToNode(options, StrictJson.Line)!.AsObject();

    /// <summary>The identity of a stage with this content.</summary>
    internal static string IdOf(JsonObject content) => Hash(content);

    /// <summary>A hash that does not depend on the order of keys.</summary>
    private static string Hash(params JsonObject?[] sections)
    {
        var text = new StringBuilder();
        foreach (var section in sections) Write(section, text);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))[..IdBytes]);
    }

    private static void Write(JsonNode? node, StringBuilder text)
    {
        if (node is JsonObject section)
        {
            text.Append('{');
            foreach (var (key, value) in section.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                text.Append(JsonSerializer.Serialize(key)).Append(':');
                Write(value, text);
                text.Append(',');
            }
            text.Append('}');
        }
        else if (node is JsonArray list)
        {
            text.Append('[');
            foreach (var value in list)
            {
                Write(value, text);
                text.Append(',');
            }
            text.Append(']');
        }
        else
        {
            text.Append(node?.ToJsonString() ?? "null");
        }
    }
}
