using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Beear.Runtime;

namespace Beear.Lab.Experiments;

/// <summary>
/// The file of finished runs, one JSON line each; several processes may write it. A line that was cut off by a crash is as if it had not been written.
/// </summary>
/// <param name="path">The file; it need not exist yet.</param>
public sealed class FrontierLog(string path)
{
    private readonly LineFile lines = new(path);

    private static readonly JsonSerializerOptions Json = new(StrictJson.Finite)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Reads all runs.</summary>
    /// <exception cref="BeearException">A line is no run.</exception>
    public IReadOnlyList<FrontierRun> Read()
    {
        var runs = new List<FrontierRun>();
        foreach (var (number, line) in lines.Read())
        {
            try
            {
                runs.Add(StrictJson.Value<FrontierRun>(line, Json) is { Arm: not null, Trigger: not null, Result: not null } run ? run : throw new JsonException());
            }
            catch (JsonException failure)
            {
                throw new BeearException($"'{path}', line {number}: not a run of a frontier; delete the line or choose another folder.", failure);
            }
        }
        return runs;
    }

    /// <summary>Adds a run.</summary>
    public void Append(FrontierRun run) => lines.Append(JsonSerializer.Serialize(run, Json));

    /// <summary>Options as a line has them.</summary>
    internal static JsonObject Settings(object options) => JsonSerializer.SerializeToNode(options, Json)!.AsObject();

    /// <summary>
    /// The first option that a line has otherwise than now; null if all agree. Options that are newer than the line stand at their defaults,
    /// which change nothing, and do not count.
    /// </summary>
    internal static string? Difference(JsonObject line, JsonObject now)
    {
        foreach (var (key, before) in line)
        {
            var after = now[key];
            if (before is JsonObject section && after is JsonObject current)
            {
                if (Difference(section, current) is { } inner) return $"{key}.{inner}";
            }
            else if (!JsonNode.DeepEquals(before, after))
            {
                return $"{key}: {before?.ToJsonString() ?? "none"} there, {after?.ToJsonString() ?? "none"} now";
            }
        }
        return null;
    }
}
