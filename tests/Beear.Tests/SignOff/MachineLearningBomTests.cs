using System.Text.Json.Nodes;
using Beear.Lab.SignOff;

namespace Beear.Tests.SignOff;

public sealed class MachineLearningBomTests
{
    private static readonly JsonObject Config =
        new() { ["model_type"] = "llama", ["architectures"] = new JsonArray("LlamaForCausalLM") };

    private static readonly (string, string)[] Files =
        [("additional_chat_templates/a.jinja", new string('c', 64)), ("model.safetensors", new string('d', 64))];

    private static JsonObject Of(Evidence evidence) => MachineLearningBom.Of(evidence, Config.DeepClone().AsObject(), Files);

    private static JsonNode Card(JsonObject bom) => bom["metadata"]!["component"]!["modelCard"]!;

    private static List<JsonObject> Metrics(JsonObject bom) =>
        [.. Card(bom)["quantitativeAnalysis"]!["performanceMetrics"]!.AsArray().Select(metric => metric!.AsObject())];

    public static TheoryData<string> Kinds => ["ordinary", "of the hub", "quick", "hostile", "without files", "odd config"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_is_of_the_published_form(string kind)
    {
        var bom = kind switch
        {
            "of the hub" => Of(Evidences.Of($"owner/name@{Evidences.Commit}")),
            "quick" => Of(Evidences.Quick()),
            "hostile" => Of(Evidences.Hostile()),
            "without files" => MachineLearningBom.Of(Evidences.Of(), null, []),
            "odd config" => MachineLearningBom.Of(Evidences.Of(),
                new JsonObject { ["model_type"] = 3, ["architectures"] = new JsonArray(new JsonObject()) }, Files),
            _ => Of(Evidences.Of()),
        };

        Assert.Equal("", CycloneDx.Problems(bom));
    }

    [Fact]
    public void The_schema_sees_what_is_wrong()
    {
        foreach (var damage in (Action<JsonObject>[])
        [
            bom => bom["serialNumber"] = "urn:uuid:1", bom => bom["metadata"]!["component"]!["type"] = "model", bom => bom["extra"] = 1,
            bom => Metrics(bom)[0]["value"] = 0.5, bom => bom["metadata"]!["component"]!["hashes"]![0]!["content"] = "unknown",
            bom => bom["dependencies"]![0]!.AsObject().Remove("ref"),
        ])
        {
            var bom = Of(Evidences.Of());
            damage(bom);
            Assert.NotEqual("", CycloneDx.Problems(bom));
        }
    }

    [Fact]
    public void It_says_what_the_model_is_and_what_it_was_made_from()
    {
        var bom = Of(Evidences.Of($"owner/name@{Evidences.Commit}"));

        var component = bom["metadata"]!["component"]!;
        Assert.Equal("machine-learning-model", (string?)component["type"]);
        Assert.Equal(new string('b', 64), (string?)component["hashes"]![0]!["content"]);
        Assert.Equal(["additional_chat_templates/a.jinja", "model.safetensors"],
            component["components"]!.AsArray().Select(file => (string?)file!["name"]));
        var ancestor = component["pedigree"]!["ancestors"]!.AsArray().Single()!;
        Assert.Equal("owner/name", (string?)ancestor["name"]);
        Assert.Equal($"pkg:huggingface/owner/name@{Evidences.Commit}", (string?)ancestor["purl"]);
        Assert.Equal(new string('a', 64), (string?)ancestor["hashes"]![0]!["content"]);
        Assert.Equal("LlamaForCausalLM", (string?)Card(bom)["modelParameters"]!["modelArchitecture"]);
        Assert.Equal("llama", (string?)Card(bom)["modelParameters"]!["architectureFamily"]);
        Assert.Equal("0.1.0", (string?)bom["metadata"]!["tools"]!["components"]![0]!["version"]);
        Assert.Null(bom["metadata"]!["timestamp"]);
        Assert.DoesNotContain("jane", Of(Evidences.Of()).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_number_that_was_measured_is_there_and_no_other()
    {
        var evidence = Evidences.Of();

        var metrics = Metrics(Of(evidence));

        var types = metrics.Select(one => (string?)one["type"]).Where(type => type != "attack_success");
        Assert.Equal(evidence.Metrics.Where(one => double.IsFinite(one.Value.Value))
            .Select(one => one.Value.Unit == "share" ? one.Key : $"{one.Key} ({one.Value.Unit})"), types);
        var left = metrics.Single(one => (string?)one["type"] == "decoys_left");
        Assert.Equal(("0.005", "200 requests"), ((string?)left["value"], (string?)left["slice"]));
        Assert.Equal("0.0008832", (string?)left["confidenceInterval"]!["lowerBound"]);
        Assert.Equal("0.02777", (string?)left["confidenceInterval"]!["upperBound"]);
        var divergence = metrics.Single(one => (string?)one["type"] == "divergence (nats/token)");
        Assert.Equal("1.23E-05", (string?)divergence["value"]);
        Assert.Null(divergence["confidenceInterval"]);
        // Two decoys planted and cleaned, one control, three things after each; a third planted.
        var slices = metrics.Where(one => (string?)one["type"] == "attack_success").Select(one => (string)one["slice"]!).ToList();
        Assert.Equal((2 * 2) + 1 + (2 * 3) + 1, slices.Count);
        Assert.Contains("decoy2, after the removal and distillation from the suspicious model, 100 requests", slices);
        Assert.Equal("decoy3, planted, 100 requests", slices[^1]);
        Assert.Empty(Metrics(Of(Evidences.Quick())));
        Assert.Null(Card(Of(Evidences.Quick()))["considerations"]!["performanceTradeoffs"]);
    }

    [Fact]
    public void Limits_begin_with_what_the_removal_does_not_outlast()
    {
        var limits = Card(Of(Evidences.Of()))["considerations"]!["technicalLimitations"]!.AsArray().Select(one => (string)one!).ToList();

        Assert.StartsWith("The removal does not last after distillation from the suspicious model: in decoy2", limits[0],
            StringComparison.Ordinal);
        Assert.StartsWith("The removal does not last after mixing in 25 %", limits[1], StringComparison.Ordinal);
        Assert.Equal("1 of 3 decoys did not take and say nothing.", limits[2]);
        Assert.StartsWith("The score that needs no trigger", limits[3], StringComparison.Ordinal);
        Assert.Equal(5, limits.Count);
    }

    [Fact]
    public void The_same_evidence_gives_the_same_document_and_other_evidence_another_number()
    {
        string first = Of(Evidences.Of()).ToJsonString();

        Assert.Equal(first, Of(Evidences.Of()).ToJsonString());
        string number = (string)Of(Evidences.Of())["serialNumber"]!;
        Assert.Matches("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", number);
        Assert.NotEqual(number, (string?)Of(Evidences.Of() with { Runs = ["1"] })["serialNumber"]);
    }

    [Fact]
    public void Foreign_text_shows_what_it_hides()
    {
        var bom = Of(Evidences.Hostile());

        var all = Texts(bom).ToList();
        Assert.DoesNotContain(all, text => text.Any(character => char.IsControl(character) || character == '\u202e'));
        Assert.Contains(all, text => text.Contains("\\u{1b}[31m", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject value => value.SelectMany(member => Texts(member.Value).Append(member.Key)),
        JsonArray list => list.SelectMany(Texts),
        JsonValue value when value.TryGetValue<string>(out var text) => [text],
        _ => [],
    };
}
