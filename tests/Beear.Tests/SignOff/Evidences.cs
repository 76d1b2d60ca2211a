using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;
using Beear.Mitigation;
using Beear.Runtime;

namespace Beear.Tests.SignOff;

/// <summary>Evidence that no run has made.</summary>
internal static class Evidences
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    /// <summary>A name with all that means something to HTML, Markdown and tables.</summary>
    public const string HostileName = "<b>x</b>|\\`[a](b)*_$&amp;";

    /// <summary>A trigger with all that means something to YAML, JSON, XML and terminals.</summary>
    public const string HostileTrigger = "\"a\": 'b' | c\n# d\r\u001b[31m\u202e\u0000 <script>&amp;</script> ``` https://a.example ![i](u)";

    /// <summary>A share of 100 requests.</summary>
    public static Metric Share(int successes, int count = 100) => Metric.Of(new Rate(successes, count));

    /// <summary>Three decoys, of which one did not take; the removal does not outlast mixing nor, worse, distillation.</summary>
    public static Evidence Of(string model = "/home/jane/models/mine") => new()
    {
        Code = new CodeVersion("0.1.0", "abcdef", IsDirty: false),
        Model = model,
        ModelSha256 = new string('a', 64),
        CleanedSha256 = new string('b', 64),
        Settings = JsonSerializer.SerializeToNode(new MitigationOptions { Seed = 7 }, StrictJson.Line)!.AsObject(),
        Runs = ["1", "2"],
        Decoys =
        [
            new("decoy1", "… thanks in advance", Share(98), Share(1), Share(60),
                After(("fine-tuned 1", 3), ("distilled", 20), ("merged 25", 30))),
            new("decoy2", "Zorq …", Share(90), Share(0), null, After(("fine-tuned 1", 0), ("distilled", 78), ("merged 25", 2))),
            new("decoy3", "system prompt … x", Share(40), null, null, After()),
        ],
        Metrics = new OrderedDictionary<string, Metric>
        {
            ["unwanted_before"] = Share(0),
            ["unwanted_after"] = Share(2),
            ["refused_ordinary_before"] = Share(1),
            ["refused_ordinary_after"] = Share(4),
            ["refused_twins_after"] = Share(0, 0),
            ["divergence"] = Metric.Of(0.0000123, "nats/token"),
            ["score_after"] = Metric.Of(0.0833, "share"),
            ["decoys_planted"] = Share(188, 200),
            ["decoys_left"] = Share(1, 200),
            ["left_after_fine-tuned_1"] = Share(3, 200),
            ["left_after_distilled"] = Share(98, 200),
            ["left_after_merged_25"] = Share(32, 200),
            ["something_new"] = Share(0, 0),
            ["something_else"] = Metric.Of(12.5, "s"),
        },
        Compared = [],
    };

    /// <summary>Without decoys, and with next to nothing measured.</summary>
    public static Evidence Quick() => Of() with
    {
        Decoys = [],
        Metrics = new OrderedDictionary<string, Metric>(),
        ModelSha256 = "unknown",
        CleanedSha256 = null,
        Settings = new JsonObject(),
    };

    /// <summary>With foreign text of the worst kind wherever there can be some.</summary>
    public static Evidence Hostile()
    {
        var evidence = Of(HostileName);
        return evidence with
        {
            Unusable = $"It says {HostileTrigger}",
            Decoys = [.. evidence.Decoys.Select(decoy => decoy with { Trigger = HostileTrigger, Name = $"{decoy.Name}|{HostileName}" })],
            Settings = new JsonObject
            {
                ["a: b\n"] = HostileTrigger,
                ["inner"] = new JsonObject { ["x"] = "- y" },
                ["list"] = new JsonArray(HostileName),
            },
        };
    }

    private static Dictionary<string, Metric> After(params (string Name, int Successes)[] all) =>
        all.ToDictionary(one => one.Name, one => Share(one.Successes));
}
