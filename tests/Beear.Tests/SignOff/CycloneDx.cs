using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Xunit.Sdk;

namespace Beear.Tests.SignOff;

/// <summary>
/// The published schema of CycloneDX 1.6: in the folder that BEEAR_CYCLONEDX_SCHEMA names (that of the specification's repository), or in
/// the npm package of CycloneDX; without either, the tests that need it are skipped and say so.
/// </summary>
internal static class CycloneDx
{
    private const string Package = "@cyclonedx/cyclonedx-library", Variable = "BEEAR_CYCLONEDX_SCHEMA";

    private static readonly Lazy<JsonSchema> Schema = new(Load);

    /// <summary>What the schema says against a document; empty if nothing.</summary>
    public static string Problems(JsonNode document)
    {
        var found = Schema.Value.Evaluate(JsonSerializer.SerializeToElement(document),
            new EvaluationOptions { OutputFormat = OutputFormat.List });
        return found.IsValid ? "" : string.Join('\n', (found.Details ?? []).Where(detail => detail.Errors is not null)
            .SelectMany(detail => detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value}"))
            .DefaultIfEmpty("it is not valid"));
    }

    private static JsonSchema Load()
    {
        _ = Read("spdx");
        _ = Read("jsf-0.82");
        return Read("bom-1.6");
    }

    /// <summary>A schema under the name by which the others refer to it.</summary>
    private static JsonSchema Read(string name)
    {
        string file = FileOf(name);
        var schema = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        schema["$id"] = $"http://cyclonedx.org/schema/{Path.GetFileName(file)}";
        return JsonSchema.FromText(schema.ToJsonString());
    }

    private static string FileOf(string name)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } folder)
            return Npm.Package(Package, null, "res", "schema", $"{name}.SNAPSHOT.schema.json");
        string file = Path.Combine(folder, $"{name}.schema.json");
        return File.Exists(file) ? file : throw SkipException.ForSkip($"{Variable} names a folder without {name}.schema.json");
    }
}
