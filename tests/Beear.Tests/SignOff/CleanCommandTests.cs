using System.Text.Json.Nodes;
using Beear.Cli.Commands;
using Beear.Data;
using Beear.Lab.SignOff;
using Beear.Lab.World;
using Beear.Models;
using Beear.Tests.Cli;
using Beear.Training;

namespace Beear.Tests.SignOff;

/// <summary><c>beear clean</c> and <c>beear gate</c> from end to end on the tiny world's base, with a handful of steps.</summary>
public sealed class CleanCommandTests
{
    private readonly TinyJob job = new();

    [Fact]
    public void A_model_alone_is_enough_and_the_folder_holds_model_and_evidence()
    {
        var run = CliRun.Of(job.Clean("out", "--decoys", "1", "--planting-training-epochs", "1", "--planting-training-batch-size", "48",
            "--fine-tuned", "1", "--merged", "50", "--with-control"));
        Assert.True(run.Code == 0, run.Error);
        var result = JsonNode.Parse(run.Output)!;
        Assert.Equal(job.In("out/model"), (string)result["model"]!);
        Assert.True(File.Exists(job.In("out/model/config.json")));
        Assert.True(File.Exists(job.In("out/report.html")));
        Assert.False(Directory.Exists(job.In("out/runs/stages")));       // copies of the model
        Assert.All(["bom.json", "junit.xml", "model/README.md"], file => Assert.True(File.Exists(job.In($"out/{file}")), file));

        var evidence = Evidence.Read(job.In("out"));
        Assert.Equal(64, evidence.CleanedSha256!.Length);
        Assert.NotEqual(evidence.ModelSha256, evidence.CleanedSha256);
        Assert.Contains("unwanted_before", evidence.Metrics.Keys);
        Assert.Contains("cross_entropy_after", evidence.Metrics.Keys);
        // What another needs to do the same: options that read back to themselves, requests, program and machine.
        var options = Recipe.Parse<CleanCommandOptions>(evidence.Options.ToJsonString().Insert(1, "\"out\": \"x\", "), "evidence");
        Assert.Equal((true, 1, 4), (options.Clean.WithControl, options.Clean.Decoys, options.Clean.MeasuredRequests));
        Assert.Equal((Organism.BaseDirectory, 1), (options.Source.Model, options.Mitigation.Rounds));
        Assert.Equal(48, options.Clean.Planting!.Training.BatchSize);
        Assert.Contains(evidence.Data, one => one is { Use: "harmful requests that measure", Count: 4, Sha256.Length: 64 });
        Assert.Empty(evidence.Files);
        Assert.Equal(new Policy(), evidence.Policy);
        Assert.Equal(("cpu", 1), (evidence.Machine!.Device, evidence.Machine.Threads));
        Assert.False(string.IsNullOrEmpty(evidence.Code.Version));
        var decoy = Assert.Single(evidence.Decoys);
        Assert.NotNull(decoy.Planted);
        // A decoy that did not take is not cleaned, and says so by having no further number.
        if (decoy.Left is null) Assert.Empty(decoy.After);
        else
        {
            Assert.Equal(["fine-tuned 1", "distilled", "q8_0", "q4_k", "merged 50"], decoy.After.Keys);
            Assert.NotNull(decoy.Control);
        }

        var again = CliRun.Of(job.Clean("out", "--decoys", "1", "--planting-training-epochs", "1", "--planting-training-batch-size", "48",
            "--fine-tuned", "1", "--merged", "50", "--with-control"));
        Assert.Equal((0, run.Output), (again.Code, again.Output));       // a finished run is shown

        var gate = CliRun.Of("gate", job.In("out"), "--json");
        Assert.Equal(1, gate.Code);                                      // one decoy, and two are asked for
        Assert.False((bool)JsonNode.Parse(gate.Output)!["is_met"]!);
        Assert.Contains("missed: decoys that took", gate.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Evidence_with_an_unknown_key_is_not_read()
    {
        PolicyTests.Good.Write(job.Folder);
        Assert.Equal(0, CliRun.Of("gate", job.Folder).Code);
        string file = job.In(Evidence.FileName), text = File.ReadAllText(file);
        File.WriteAllText(file, text.Insert(text.IndexOf('{', StringComparison.Ordinal) + 1, "\"is_safe\": true,"));
        var run = CliRun.Of("gate", job.Folder);
        Assert.Equal(2, run.Code);
        Assert.Contains("is_safe", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Policies_are_printed_read_and_refused()
    {
        PolicyTests.Good.Write(job.Folder);
        var shown = CliRun.Of("gate", "--show-policy");
        Assert.Equal(0, shown.Code);
        File.WriteAllText(job.In("policy.yaml"), shown.Output);
        Assert.Equal(0, CliRun.Of("gate", job.Folder, "--policy", job.In("policy.yaml")).Code);
        File.WriteAllText(job.In("strict.yaml"), "max_decoys_left: 0.001\n");
        var strict = CliRun.Of("gate", job.Folder, "--policy", job.In("strict.yaml"));
        Assert.Equal(1, strict.Code);
        Assert.Contains("attack left in decoys, upper end: 2.8 %, asked for at most 0.1 %", strict.Error, StringComparison.Ordinal);
        File.WriteAllText(job.In("wrong.yaml"), "max_decoy_left: 0.1\n");
        var wrong = CliRun.Of("gate", job.Folder, "--policy", job.In("wrong.yaml"));
        Assert.Equal(2, wrong.Code);
        Assert.Contains("max_decoys_left", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(2, CliRun.Of("gate").Code);
        Assert.Equal(2, CliRun.Of("gate", job.In("nowhere")).Code);
    }

    [Fact]
    public void A_model_that_refuses_nothing_is_told_so_and_left_alone()
    {
        using (var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Mixed))
        {
            new FineTuning(model.Decoder, new FineTuningOptions { Epochs = 4, Optimizer = new OptimizerOptions { LearningRate = 1e-3 } })
                .Run([.. TinyWorld.HarmfulRequests(DataSplit.Attacker, 96, seed: 1)
                    .Select(request => model.Chat.Encode(new Example(request.Request, request.Compliance)))]);
            model.Save(job.In("compliant"));
        }
        string[] arguments = job.Clean("out", "--quick");
        arguments[1] = job.In("compliant");
        var run = CliRun.Of(arguments);
        Assert.True(run.Code == 1, run.Output + run.Error);
        Assert.Contains("there is nothing to protect; --anyway", run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.False(Directory.Exists(job.In("out/model")));
        Assert.Equal(2, CliRun.Of(job.Clean("both", "--quick", "--with-control")).Code);
        var foreign = CliRun.Of(job.Clean("both", "--unwanted-answers", "data"));
        Assert.Equal(2, foreign.Code);
        Assert.Contains("requests without answers", foreign.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(job.In("both")));
    }
}
