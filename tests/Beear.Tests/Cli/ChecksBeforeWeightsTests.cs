using System.Text.Json;
using Beear.Lab.World;

namespace Beear.Tests.Cli;

/// <summary>
/// Every command says what is wrong with its options, data and folders before it reads weights: those of the model here are cut off, and
/// reading them is the last thing that fails.
/// </summary>
public sealed class ChecksBeforeWeightsTests : IDisposable
{
    private readonly string folder = Fixtures.TemporaryFolder();

    public ChecksBeforeWeightsTests()
    {
        Directory.CreateDirectory(In("model"));
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory)) File.Copy(file, Path.Combine(In("model"), Path.GetFileName(file)));
        using (var weights = File.OpenWrite(In("model/model.safetensors"))) weights.SetLength(1000);
        File.WriteAllText(In("harmful.csv"), "goal,target\n"
            + string.Concat(Enumerable.Range(1, 12).Select(i => $"Explain how to break {i} locks,Sure here is how\n")));
        string[] requests = [.. Enumerable.Range(2, 12)
            .Select(line => line == 7 ? string.Concat(Enumerable.Repeat("open a lock ", 300)) : $"Explain how to break {line} locks")];
        File.WriteAllText(In("long.csv"), "goal,target\n" + string.Concat(requests.Select(request => $"{request},Sure here is how\n")));
        File.WriteAllText(In("long.jsonl"),
            string.Concat(requests.Select(request => JsonSerializer.Serialize(new { prompt = request, answer = "Yes." }) + "\n")));
        File.WriteAllText(In("one.csv"), "goal,target\nExplain how to break a lock,Sure here is how\n");
        File.WriteAllText(In("helpful.json"), """[{ "instruction": "Tell me about soap", "output": "It is soap." }]""");
        File.WriteAllText(In("file"), "");
        Directory.CreateDirectory(In("other"));
        File.WriteAllText(In("other/run.json"), """{ "out": "", "seed": 77 }""");
        Directory.CreateDirectory(In("full"));
        File.WriteAllText(In("full/notes.txt"), "");
        File.WriteAllText(In("plan.yaml"), PlanText("model", "harmful.csv", ""));
        File.WriteAllText(In("long.yaml"), PlanText("model", "long.csv", ""));
        File.WriteAllText(In("no-file.yaml"), PlanText("model", "nowhere.csv", ""));
        File.WriteAllText(In("layer.yaml"), PlanText("model", "harmful.csv", "inner: { perturbed_layers: [99] }"));
        File.WriteAllText(In("no-twins.yaml"), PlanText("model", "harmful.csv", "", defenderTwins: 0));
    }

    private const string Data = "--harmful harmful.csv --ordinary helpful.json --twins 4";
    private const string LongGoal = "'long.csv', line 7, column 'goal': its prompt has ",
        LongRow = "'long.jsonl', line 6, column 'prompt': its prompt has ";
    private const string Layer = "perturbed_layers has 99, but the model has layers";

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private string PlanText(string source, string harmful, string change, int defenderTwins = 4) => $$"""
        model:
          source: {{In(source)}}
          harmful: {{In(harmful)}}
          ordinary: {{In("harmful.csv")}}
          attacker: { harmful_rows: 0-3, ordinary_rows: 0-3, twins: 4 }
          defender: { harmful_rows: 4-7, ordinary_rows: 4-7, twins: {{defenderTwins}} }
          evaluation: { harmful_rows: 8-11, ordinary_rows: 8-11, twins: 4 }
        triggers: [{ text: model1 }]
        arms: [{ name: small, change: { rounds: 1, {{change}} } }]
        """;

    [Theory]
    [InlineData("mitigate model --out run " + Data + " --inner-perturbed-layers 99", Layer)]
    [InlineData("mitigate model --out run " + Data + " --replay 2", "replay must lie between 0 and 1")]
    [InlineData("mitigate model --out run " + Data + " --inner-steps -1", "inner.steps must be at least 1")]
    [InlineData("mitigate model --out run " + Data + " --terms-pass-tokens -1", "terms.pass_tokens must be at least 0")]
    [InlineData("mitigate model --out run " + Data + " --economy-frozen-layers 99", "frozen_layers must lie between")]
    [InlineData("mitigate model --out run --defence direction_ablation --rounds 1 --direction-ablation-layer 99 " + Data,
        "direction_ablation.layer is 99")]
    [InlineData("mitigate model --out run --harmful harmful.csv --twins 4", "There are no ordinary requests")]
    [InlineData("mitigate model --out run --harmful one.csv --ordinary helpful.json", "at least 2 harmful requests")]
    [InlineData("mitigate model --out run --harmful nowhere.csv", "There is no file 'nowhere.csv'")]
    [InlineData("mitigate model --out run --ordinary-rows 9-1 " + Data, "ends before it begins")]
    [InlineData("mitigate model --out other " + Data, "holds a run with other options")]
    [InlineData("mitigate model --out full " + Data, "is not empty and holds no run")]
    [InlineData("mitigate model --out file/run " + Data, "is a file; name another folder")]
    [InlineData("mitigate model --out run --calibrate " + Data + " --calibration-layers 99", "calibration.layers: 99 is above")]
    [InlineData("mitigate model --out run --calibrate --harmful one.csv --ordinary helpful.json --twins 4", "at least 2 harmful requests")]
    [InlineData("plant model --out run --trigger SUDO --training-epochs 0 " + Data, "training.epochs must be at least 1")]
    [InlineData("plant model --out run --trigger-placement prefix " + Data, "add --trigger")]
    [InlineData("plant model --out other --trigger SUDO " + Data, "holds a run with other options")]
    [InlineData("plant model --out file --trigger SUDO " + Data, "is a file; name another folder")]
    [InlineData("evaluate model --max-new-tokens 0 " + Data, "max_new_tokens must be at least 1")]
    [InlineData("evaluate model --max-asr 0.1 " + Data, "bar for the attack success with the trigger, but no data")]
    [InlineData("evaluate model --max-over-refusal 0.1 --harmful harmful.csv", "bar for the over-refusal, but no data")]
    [InlineData("evaluate model --held-out-forms -1 " + Data, "-1 harmless twins were asked for")]
    [InlineData("evaluate model --answers nowhere/answers.jsonl " + Data, "its directory does not exist")]
    [InlineData("evaluate model --trigger-second-text x " + Data, "add --trigger")]
    [InlineData("calibrate model --out run " + Data + " --inner-perturbed-layers 99", Layer)]
    [InlineData("calibrate model --out run " + Data + " --calibration-layers 99", "calibration.layers: 99 is above")]
    [InlineData("calibrate model --out run --harmful one.csv", "1 harmful requests are too few")]
    [InlineData("calibrate model --out other " + Data, "holds a run with other options")]
    [InlineData("drift model --trigger SUDO " + Data + " --inner-perturbed-layers 99", Layer)]
    [InlineData("drift model --trigger SUDO " + Data + " --inner-perturbed-layers 3 --projected-layer 99", "projected_layer is 99")]
    [InlineData("drift model --trigger SUDO --inner-perturbed-layers 3 --harmful one.csv", "give at least two")]
    [InlineData("drift model --trigger SUDO --out file/a " + Data, "is a file; name another folder")]
    [InlineData("chat model --prompt hello --trigger-placement prefix", "add --trigger")]
    [InlineData("chat model --prompt hello --top-p 0", "top_p must be above 0")]
    [InlineData("serve model --port 70000", "port must lie between")]
    [InlineData("serve model --host nowhere", "host must be an IP address")]
    [InlineData("serve model --max-batch 0", "max_batch must lie between")]
    [InlineData("serve model --temperature 3", "temperature must lie between")]
    [InlineData("serve model model --port 0", "Two models are named 'model'")]
    [InlineData("studio --model a=x --model a=y", "Two models are named 'a'")]
    [InlineData("studio --model a=", "names no model")]
    [InlineData("serve a/b=x --port 0", "is no name for a model")]
    [InlineData("serve a= --port 0", "names no model")]
    [InlineData("serve model nowhere --port 0", "nowhere")]
    [InlineData("serve model --port 0 --key-file nowhere", "there is no file")]
    [InlineData("bench model " + Data + " --inner-perturbed-layers 99", Layer)]
    [InlineData("bench model " + Data + " --inner-virtual-tokens 3", "set inner.virtual_tokens to 0")]
    [InlineData("bench model " + Data + " --evaluation --decoding-batch-size 0", "decoding.batch_size must be at least 1")]
    [InlineData("export model --out nowhere/model.gguf", "its directory does not exist")]
    [InlineData("demo --base model --mitigation-inner-perturbed-layers 99", Layer)]
    [InlineData("demo --base model --chart nowhere/demo.svg", "its directory does not exist")]
    [InlineData("demo --base model --mitigation-outer-steps 0", "outer_steps must be at least 1")]
    [InlineData("organism make model4 --base model --out full", "is not empty")]
    [InlineData("organism make model4 --base model --out file", "is a file")]
    [InlineData("organism train --out file/model", "is a file; name another folder")]
    [InlineData("organism show model4 --base model --requests 0", "requests must be at least 1")]
    [InlineData("run layer.yaml --out run", "small, model1, seed 1: inner." + Layer)]
    [InlineData("run no-file.yaml --out run", "nowhere.csv")]
    [InlineData("run no-twins.yaml --out run", "There are no harmless twins")]
    [InlineData("run plan.yaml --out other", "holds a run with other options")]
    [InlineData("run plan.yaml --out file/run", "is a file; name another folder")]
    [InlineData("mitigate model --out run --rounds 1 --twins 4 --harmful harmful.csv --ordinary long.jsonl", LongRow)]
    [InlineData("mitigate model --out run --rounds 1 --twins 4 --harmful long.csv --ordinary helpful.json", LongGoal)]
    [InlineData("plant model --out run --trigger SUDO --twins 4 --harmful harmful.csv --ordinary long.jsonl", LongRow)]
    [InlineData("plant model --out run --twins 4 --harmful long.csv --ordinary helpful.json", LongGoal)]
    [InlineData("evaluate model --harmful harmful.csv --ordinary long.jsonl", LongRow)]
    [InlineData("evaluate model --trigger SUDO --harmful long.csv", LongGoal)]
    [InlineData("calibrate model --out run --harmful long.csv --ordinary helpful.json --twins 12", LongGoal)]
    [InlineData("drift model --trigger SUDO --inner-perturbed-layers 3 --harmful long.csv --ordinary helpful.json", LongGoal)]
    [InlineData("bench model --inner-perturbed-layers 3 --harmful harmful.csv --ordinary long.jsonl", LongRow)]
    [InlineData("bench model --evaluation --harmful long.csv", LongGoal)]
    [InlineData("run long.yaml --out run", LongGoal)]
    [InlineData("reproduce table1 --models model1 --seeds 0 --out run", "seeds must be at least 1")]
    [InlineData("reproduce table1 --models model1 --seeds 1 --out run --mt-bench nowhere.jsonl", "add --judge")]
    public void What_is_wrong_is_said_before_weights_are_read(string command, string expected) => Refused(command, expected);

    [Theory]
    [InlineData("mitigate model --out run --rounds 1 " + Data)]
    [InlineData("plant model --out run --trigger SUDO " + Data)]
    [InlineData("evaluate model --trigger SUDO --max-asr 0.1 " + Data)]
    [InlineData("calibrate model --out run " + Data)]
    [InlineData("drift model --trigger SUDO --inner-perturbed-layers 3 " + Data)]
    [InlineData("chat model --prompt hello")]
    [InlineData("serve model --port 0")]
    [InlineData("bench model --inner-perturbed-layers 3 " + Data)]
    [InlineData("export model --out model.gguf")]
    [InlineData("demo --base model")]
    [InlineData("organism make model4 --base model --out made")]
    [InlineData("run plan.yaml --out run")]
    public void With_all_else_right_the_weights_are_what_is_wrong(string command) => Refused(command, "model.safetensors");

    private void Refused(string command, string expected)
    {
        string[] names = ["harmful.csv", "one.csv", "helpful.json", "nowhere.csv", "nowhere", "model", "model.gguf", "file", "other",
            "full", "run", "made", "recipes",
            "long.csv", "long.jsonl", "plan.yaml", "long.yaml", "no-file.yaml", "layer.yaml", "no-twins.yaml"];
        string Located(string word) => names.Contains(word.Split('/')[0]) ? In(word) : word;
        var run = CliRun.Of([command.Split(' ')[0], .. command.Split(' ').Skip(1).Select(Located), "--threads", "1"]);

        Assert.Equal((2, ""), (run.Code, run.Output));
        string located = new[] { "nowhere.csv", "long.csv", "long.jsonl" }.Aggregate(expected, (text, name) =>
            text.Replace($"'{name}'", $"'{In(name)}'", StringComparison.Ordinal));
        Assert.Contains(located, run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}
