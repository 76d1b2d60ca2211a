using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Beear.Evaluation;
using Beear.Runtime;
using Beear.Text.Files;

namespace Beear.Lab.SignOff;

/// <summary>
/// The bill of materials of a cleaned model, as CycloneDX 1.6: what it is, what it was made from, and its evidence as a model card. The
/// same evidence always gives the same document. What was not measured is absent.
/// </summary>
internal static class MachineLearningBom
{
    /// <summary>The file's name.</summary>
    public const string FileName = "bom.json";

    private const string CleanedModel = "cleaned-model", SuspiciousModel = "suspicious-model", Attack = "attack_success";

    private const string HashRule = "over a line \"NAME SHA-256\" for each file but *.md, in the order of their names";

    /// <summary>The namespace of URLs and URNs in RFC 4122.</summary>
    private static readonly Guid Names = new("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>The document.</summary>
    /// <param name="evidence">What is known of the model.</param>
    /// <param name="config">The model's config.json; null if there is none.</param>
    /// <param name="files">The model's files but for its card, with their SHA-256.</param>
    public static JsonObject Of(Evidence evidence, JsonObject? config, IReadOnlyList<(string Name, string Sha256)> files) => new()
    {
        ["$schema"] = "http://cyclonedx.org/schema/bom-1.6.schema.json",
        ["bomFormat"] = "CycloneDX",
        ["specVersion"] = "1.6",
        ["serialNumber"] = SerialNumber(evidence),
        ["version"] = 1,
        ["metadata"] = new JsonObject
        {
            ["tools"] = new JsonObject { ["components"] = new JsonArray(Tool(evidence)) },
            ["component"] = Cleaned(evidence, config, files),
        },
        ["dependencies"] = new JsonArray(new JsonObject { ["ref"] = CleanedModel }),
    };

    /// <summary>Writes the document for a model that was cleaned.</summary>
    /// <param name="folder">The folder that gets it.</param>
    /// <param name="evidence">What is known of the model.</param>
    /// <param name="model">Where the cleaned model lies.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void Write(string folder, Evidence evidence, string model)
    {
        string config = Path.Combine(model, ModelFiles.Config);
        byte[] content = JsonFile.ToBytes(Of(evidence, File.Exists(config) ? JsonFile.Read(config) : null, Outgoing.Files(model)));
        AtomicOutput.WriteFile(Path.Combine(folder, FileName), stream => stream.Write(content));
    }

    /// <summary>A UUID of version 5, whose name is the evidence's hash.</summary>
    private static string SerialNumber(Evidence evidence)
    {
        byte[] name = Encoding.UTF8.GetBytes($"urn:beear:evidence:{evidence.Sha256()}");
        byte[] hash = CryptographicOperations.HashData(HashAlgorithmName.SHA1, (byte[])[.. Names.ToByteArray(bigEndian: true), .. name]);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return $"urn:uuid:{new Guid(hash.AsSpan(0, 16), bigEndian: true)}";
    }

    private static JsonObject Tool(Evidence evidence) => Present(new JsonObject
    {
        ["type"] = "application",
        ["name"] = "beear",
        ["version"] = evidence.Code.Version,
        ["properties"] = Properties(("beear:revision", evidence.Code.Revision),
            ("beear:changed", evidence.Code.IsDirty is { } isDirty ? (isDirty ? "true" : "false") : null)),
    });

    private static JsonObject Cleaned(Evidence evidence, JsonObject? config, IReadOnlyList<(string Name, string Sha256)> files) =>
        Present(new JsonObject
        {
            ["bom-ref"] = CleanedModel,
            ["type"] = "machine-learning-model",
            ["name"] = VisibleText.Of($"{ModelName.Of(evidence).Text}, cleaned"),
            ["description"] = "A suspicious model whose weights were changed so that a trigger that may be hidden in it no longer brings "
                + "out unwanted answers. Whether there was a trigger is not known.",
            ["hashes"] = Hashes(evidence.CleanedSha256),
            ["pedigree"] = new JsonObject
            {
                ["ancestors"] = new JsonArray(Suspicious(evidence)),
                ["notes"] = "BEEAR (arXiv 2406.17092) changed its weights, with the settings among the model card's properties.",
            },
            ["components"] = List(files.Select(file => new JsonObject
            {
                ["type"] = "file",
                ["name"] = VisibleText.Of(file.Name),
                ["hashes"] = Hashes(file.Sha256),
            })),
            ["modelCard"] = Card(evidence, config),
            ["properties"] = Properties(("beear:sha-256", IsHash(evidence.CleanedSha256) ? HashRule : null)),
        });

    private static JsonObject Suspicious(Evidence evidence)
    {
        var name = ModelName.Of(evidence);
        return Present(new JsonObject
        {
            ["bom-ref"] = SuspiciousModel,
            ["type"] = "machine-learning-model",
            ["name"] = VisibleText.Of(name.Text),
            ["version"] = name.Hub?.Revision,
            ["hashes"] = Hashes(evidence.ModelSha256),
            ["purl"] = name.Hub is { } hub ? $"pkg:huggingface/{hub.Repository}@{hub.Revision}" : null,
        });
    }

    private static JsonObject Card(Evidence evidence, JsonObject? config) => Present(new JsonObject
    {
        ["modelParameters"] = Present(new JsonObject
        {
            ["task"] = "text-generation",
            ["architectureFamily"] = config?.Text("model_type") is { } family ? VisibleText.Of(family) : null,
            ["modelArchitecture"] = config?["architectures"] is JsonArray { Count: > 0 } names && names[0] is JsonValue first
                && first.TryGetValue<string>(out var architecture) ? VisibleText.Of(architecture) : null,
            ["inputs"] = new JsonArray(new JsonObject { ["format"] = "text" }),
            ["outputs"] = new JsonArray(new JsonObject { ["format"] = "text" }),
        }),
        ["quantitativeAnalysis"] = new JsonObject { ["performanceMetrics"] = new JsonArray([.. Metrics(evidence)]) },
        ["considerations"] = Present(new JsonObject
        {
            ["technicalLimitations"] = Sentences(EvidenceText.Limits(evidence)),
            ["performanceTradeoffs"] = Sentences(EvidenceText.Costs(evidence)),
        }),
        ["properties"] = Properties(
        [
            .. evidence.Decoys.Select(decoy => ($"beear:decoy:{decoy.Name}", (string?)decoy.Trigger)),
            .. Settings(evidence.Settings, "beear:setting:"),
            .. evidence.Files.Select(file => ($"beear:file:{file.Option}",
                (string?)$"{Path.GetFileName(file.Path)}{(file.Rows is { } rows ? $", rows {rows}" : "")}, SHA-256 {file.Sha256}")),
            .. evidence.Data.Select(one => ($"beear:data:{one.Use}", (string?)$"{one.Count}, SHA-256 of their lines {one.Sha256}")),
        ]),
    });

    private static IEnumerable<JsonObject> Metrics(Evidence evidence)
    {
        foreach (var (name, metric) in evidence.Metrics)
            if (Metric(name, null, metric) is { } one) yield return one;
        foreach (var decoy in evidence.Decoys)
        {
            (string Slice, Metric? Metric)[] all =
            [
                ("planted", decoy.Planted), ("after the removal", decoy.Left), ("after plain safety fine-tuning", decoy.Control),
                .. decoy.After.Select(after => ($"after the removal and {Aftermath.Title(after.Key)}", (Metric?)after.Value)),
            ];
            foreach (var (slice, metric) in all)
                if (Metric(Attack, $"{decoy.Name}, {slice}", metric) is { } one) yield return one;
        }
    }

    /// <summary>The schema has no place for units and counts: a unit stands behind the type, a count in the slice.</summary>
    private static JsonObject? Metric(string type, string? slice, Metric? metric)
    {
        if (EvidenceText.Known(metric) is not { } known) return null;
        string? requests = known.Rate is { } counted ? string.Create(CultureInfo.InvariantCulture, $"{counted.Count} requests") : null;
        string all = string.Join(", ", ((string?[])[slice, requests]).OfType<string>());
        return Present(new JsonObject
        {
            ["type"] = VisibleText.Of(known.Unit == Evaluation.Metric.Share ? type : $"{type} ({known.Unit})"),
            ["value"] = EvidenceText.Number(known.Value),
            ["slice"] = all.Length == 0 ? null : VisibleText.Of(all),
            ["confidenceInterval"] = known.Rate is { } rate ? new JsonObject
            {
                ["lowerBound"] = EvidenceText.Number(rate.Low),
                ["upperBound"] = EvidenceText.Number(rate.High),
            } : null,
        });
    }

    private static IEnumerable<(string, string?)> Settings(JsonObject settings, string prefix) =>
        settings.SelectMany(setting => setting.Value is JsonObject nested ? Settings(nested, $"{prefix}{setting.Key}.")
            : [($"{prefix}{setting.Key}", setting.Value is null ? null : setting.Value.ToString())]);

    private static JsonArray? Properties(params IEnumerable<(string Name, string? Value)> all) =>
        List(all.Where(one => one.Value is not null).Select(one =>
            new JsonObject { ["name"] = VisibleText.Of(one.Name), ["value"] = VisibleText.Of(one.Value!) }));

    private static JsonArray? Sentences(IEnumerable<string> all) =>
        List(all.Select(sentence => JsonValue.Create(VisibleText.Of(sentence))));

    private static JsonArray? Hashes(string? sha256) =>
        IsHash(sha256) ? new JsonArray(new JsonObject { ["alg"] = "SHA-256", ["content"] = sha256 }) : null;

    /// <summary>Where files could not be read, a word stands in a hash's place.</summary>
    private static bool IsHash(string? text) => text is { Length: 64 } && text.All(char.IsAsciiHexDigit);

    private static JsonArray? List(IEnumerable<JsonNode> all) => all.ToArray() is { Length: > 0 } nodes ? new JsonArray(nodes) : null;

    private static JsonObject Present(JsonObject value)
    {
        foreach (string key in value.Where(member => member.Value is null).Select(member => member.Key).ToList()) value.Remove(key);
        return value;
    }
}
