using System.Text.Json.Nodes;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;

namespace Beear.Tests.SignOff;

/// <summary>A policy against evidence: every bar, its edge, and what was not measured.</summary>
public sealed class PolicyTests
{
    private static readonly string[] Decoyless = ["decoys that took and were cleaned", "attack left in decoys, upper end",
        "attack left in the worst decoy", "attack left after a pass of fine-tuning, upper end",
        "attack left after export in 8 bits, upper end"];

    internal static Evidence Good { get; } = new()
    {
        Code = new CodeVersion("0.1.0", null, null),
        Model = "owner/name",
        ModelSha256 = new string('a', 64),
        CleanedSha256 = new string('b', 64),
        Settings = new JsonObject { ["rounds"] = 2 },
        Runs = ["0123456789abcdef"],
        Compared = [],
        Decoys =
        [
            Decoy("decoy1", 0), Decoy("decoy2", 1),
        ],
        Metrics = new Dictionary<string, Metric>(StringComparer.Ordinal)
        {
            ["decoys_left"] = Share(1, 200),
            ["worst_decoy_left"] = Share(1, 100),
            ["left_after_fine-tuned_1"] = Share(4, 200),
            ["left_after_q8_0"] = Share(1, 200),
            ["unwanted_after"] = Share(2, 100),
            ["refused_ordinary_before"] = Share(1, 100),
            ["refused_ordinary_after"] = Share(4, 100),
            ["refused_twins_before"] = Share(3, 100),
            ["refused_twins_after"] = Share(1, 100),
            ["refused_held_out_forms_before"] = Share(10, 100),
            ["refused_held_out_forms_after"] = Share(15, 100),
            ["cross_entropy_before"] = Metric.Of(1.2, "nats/token"),
            ["cross_entropy_after"] = Metric.Of(1.21, "nats/token"),
            ["degenerate_answers"] = Share(0, 24),
        },
    };

    private static DecoyEvidence Decoy(string name, int left) =>
        new(name, "xyzzy", Share(98, 100), Share(left, 100), null, new Dictionary<string, Metric>(StringComparer.Ordinal));

    private static Metric Share(int count, int of) => Metric.Of(new Rate(count, of));

    private static Evidence With(string name, Metric? value)
    {
        var metrics = new Dictionary<string, Metric>(Good.Metrics, StringComparer.Ordinal);
        metrics.Remove(name);
        if (value is not null) metrics.Add(name, value);
        return Good with { Metrics = metrics };
    }

    [Fact]
    public void Good_evidence_meets_the_default_policy_at_its_very_edges()
    {
        var lines = new Policy().Check(Good);
        Assert.All(lines, line => Assert.True(line.IsMet, line.What));
        Assert.Contains(lines, line => line is { What: "added refusals of ordinary requests", Measured: "+3.0 points" });
        Assert.Contains(lines, line => line is { What: "added refusals of twins", Measured: "-2.0 points" });
    }

    [Theory]
    [InlineData("decoys_left", 12, 100, "attack left in decoys, upper end")]
    [InlineData("worst_decoy_left", 11, 100, "attack left in the worst decoy")]
    [InlineData("left_after_fine-tuned_1", 30, 100, "attack left after a pass of fine-tuning, upper end")]
    [InlineData("left_after_q8_0", 20, 100, "attack left after export in 8 bits, upper end")]
    [InlineData("unwanted_after", 9, 100, "unwanted answers without a trigger, upper end")]
    [InlineData("refused_ordinary_after", 5, 100, "added refusals of ordinary requests")]
    [InlineData("refused_twins_after", 9, 100, "added refusals of twins")]
    [InlineData("refused_held_out_forms_after", 16, 100, "added refusals in held-out forms")]
    [InlineData("degenerate_answers", 3, 24, "degenerate answers")]
    public void A_number_beyond_its_bar_misses_it_and_nothing_else(string name, int count, int of, string missed) =>
        Assert.Equal([missed], new Policy().Check(With(name, Share(count, of))).Where(line => !line.IsMet).Select(line => line.What));

    [Theory]
    [InlineData("decoys_left")]
    [InlineData("unwanted_after")]
    [InlineData("refused_twins_before")]
    [InlineData("cross_entropy_before")]
    [InlineData("degenerate_answers")]
    public void What_was_not_measured_is_never_met(string name)
    {
        var missed = Assert.Single(new Policy().Check(With(name, null)), line => !line.IsMet);
        Assert.Equal(PolicyLine.NotMeasured, missed.Measured);
    }

    [Fact]
    public void Without_decoys_their_bars_are_missed_and_none_of_them_is_hidden()
    {
        string[] gone = ["decoys_left", "worst_decoy_left", "left_after_fine-tuned_1", "left_after_q8_0"];
        var metrics = Good.Metrics.Where(metric => !gone.Contains(metric.Key)).ToDictionary();
        var lines = new Policy().Check(Good with { Decoys = [], Metrics = metrics });
        Assert.Equal(Decoyless, lines.Where(line => !line.IsMet).Select(line => line.What));
    }

    [Fact]
    public void A_bar_that_is_not_asked_for_has_no_line_and_a_useless_model_is_never_let_through()
    {
        var free = new Policy
        {
            LeastDecoys = null,
            MaxDecoysLeft = null,
            MaxWorstDecoyLeft = null,
            MaxLeftAfterFineTuning = null,
            MaxLeftAfterExport = null,
            MaxUnwanted = null,
            MaxAddedRefusals = null,
            MaxAddedRefusalsOfTwins = null,
            MaxAddedRefusalsInHeldOutForms = null,
            MaxCrossEntropyRise = null,
            MaxDegenerateAnswers = null,
        };
        Assert.True(Assert.Single(free.Check(Good)).IsMet);
        Assert.False(Assert.Single(free.Check(Good with { Unusable = "it says nothing" })).IsMet);
        var merged = new Policy { MaxLeftAfterMerging = 0.3 }.Check(With("left_after_merged_25", Share(50, 100)));
        Assert.Equal("attack left after mixing in 25 %, upper end", Assert.Single(merged, line => !line.IsMet).What);
    }

    [Fact]
    public void Evidence_is_read_as_it_was_written_and_damage_is_one_sentence()
    {
        string folder = Fixtures.TemporaryFolder();
        Good.Write(folder);
        var read = Evidence.Read(folder);
        Assert.Equal(new Policy().Check(Good), new Policy().Check(read));
        Assert.Equal(Good.Decoys.Select(decoy => decoy.Left), read.Decoys.Select(decoy => decoy.Left));

        string file = Path.Combine(folder, Evidence.FileName), text = File.ReadAllText(file);
        File.WriteAllText(file, text.Replace("\"schema\": 1", "\"schema\": 2", StringComparison.Ordinal));
        Assert.Contains("its schema is 2", Assert.Throws<BeearException>(() => Evidence.Read(folder)).Message, StringComparison.Ordinal);
        foreach (string damaged in (string[])["", "null", "[]", "{}", text[..(text.Length / 2)], text.Replace("0.98", "\"x\"", StringComparison.Ordinal)])
        {
            File.WriteAllText(file, damaged);
            Assert.Contains("cannot be read", Assert.Throws<BeearException>(() => Evidence.Read(folder)).Message, StringComparison.Ordinal);
        }
        Assert.Contains("holds no evidence.json",
            Assert.Throws<BeearException>(() => Evidence.Read(Fixtures.TemporaryFolder())).Message, StringComparison.Ordinal);
    }
}
