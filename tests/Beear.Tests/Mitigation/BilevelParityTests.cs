using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

/// <summary>A whole inner run and three outer steps, against the reference implementation's trajectory.</summary>
public class BilevelParityTests
{
    private const double Tolerance = 2e-4;                               // of the largest value

    public static TheoryData<string> Cases() => ParityCases.Files("bilevel", file =>
        ParityCases.IsSupported(Path.Combine(Fixtures.ParityFolder, "models",
            JsonNode.Parse(File.ReadAllText(file))!["model"]!.GetValue<string>())));

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_trajectory_is_the_references(string name)
    {
        var json = JsonNode.Parse(File.ReadAllText(Fixtures.Parity("bilevel", $"{name}.json")))!.AsObject();
        using var expected = SafetensorsFile.Open(Fixtures.Parity("bilevel", $"{name}.safetensors"));
        using var scope = NewDisposeScope();
        using var model = new ParityModel(json["model"]!.GetValue<string>());
        var decoder = model.Decoder;
        decoder.Weights.RequireGradients(false);
        var (prompts, unwanted, safe) = (Ids("prompts"), Ids("unwanted"), Ids("safe"));
        var examples = prompts.Select((prompt, i) => new ContrastExample(prompt, unwanted[i], safe[i])).ToList();
        double alpha = Number("alpha");
        int layer = (int)Number("perturbed_layer"), tail = (int)Number("tail"), innerSteps = (int)Number("inner_steps");

        using var problem = new InnerProblem(decoder, examples, layer, tail);
        Assert.Equal(Number("cap_value"), Number("cap") * problem.TailNorm, 1e-4);
        for (int step = 1; step <= innerSteps; step++)
        {
            var options = EntrapmentOptions.Plain with
            {
                PerturbedLayers = [layer],
                TailLength = tail,
                Steps = step,
                LearningRate = Number("inner_lr"),
                Alpha = alpha,
                Cap = Number("cap")
            };
            using var result = new Entrapment(decoder, options).Search([problem]);
            ParityCases.Close(expected.Read(expected.Tensors.Keys.Single(key => key == $"inner.{step - 1}.delta")), result.Delta, Tolerance,
                $"inner.{step - 1}.delta");
            var log = json["log"]!["inner"]![step - 1]!;
            Assert.Equal(log["unwanted"]!.GetValue<double>(), result.Trajectory[^1].Unwanted, 1e-4);
            Assert.Equal(log["safe"]!.GetValue<double>(), result.Trajectory[^1].Safe, 1e-4);
        }

        var entrapment = new Entrapment(decoder,
            EntrapmentOptions.Plain with
            {
                PerturbedLayers = [layer],
                TailLength = tail,
                Steps = innerSteps,
                LearningRate = Number("inner_lr"),
                Alpha = alpha,
                Cap = Number("cap")
            });
        using var found = entrapment.Search([problem]);
        var (helpfulPrompts, helpfulAnswers) = (Ids("performance_prompts"), Ids("performance_answers"));
        OuterTerm[] terms =
        [
            new AnswerTerm("safe", 1, [.. examples.Select(example => new TokenizedExample(example.Prompt, example.Safe))], examples.Count,
                perturbed: true, seed: 0),
            new AnswerTerm("performance", Number("performance_weight"),
                [.. helpfulPrompts.Select((prompt, i) => new TokenizedExample(prompt, helpfulAnswers[i]))], helpfulPrompts.Length,
                perturbed: false, seed: 0),
        ];
        using var removal = new Removal(decoder, terms,
            new OptimizerOptions { LearningRate = Number("outer_lr"), WeightDecay = 0.01, ClipNorm = 1 });
        var perturbation = new Perturbation(found.Delta, layer);
        int outerSteps = (int)Number("outer_steps");
        var steps = removal.Run([.. Enumerable.Repeat(perturbation, outerSteps)], outerSteps);

        for (int i = 0; i < outerSteps; i++)
        {
            var log = json["log"]!["outer"]![i]!;
            Assert.Equal(log["safe"]!.GetValue<double>(), steps[i].Losses["safe"], 1e-3);
            Assert.Equal(log["performance"]!.GetValue<double>(), steps[i].Losses["performance"], 1e-3);
            Assert.Equal(log["grad_norm"]!.GetValue<double>(), steps[i].GradientNorm, 5e-3);
        }
        WeightsAreClose(decoder, expected, Number("outer_lr") * outerSteps);

        double Number(string key) => json[key]!.GetValue<double>();
        int[][] Ids(string key) => [.. json[key]!.AsArray().Select(row => row!.AsArray().Select(id => id!.GetValue<int>()).ToArray())];
    }

    /// <summary>
    /// All weights within the tolerance but one in 100,000: where the reference's float64 tells a gradient from zero and float32 cannot,
    /// Adam's first step, which divides the gradient by its own size, goes anywhere between −η and η. Such weights stay within the steps'
    /// reach.
    /// </summary>
    private static void WeightsAreClose(Decoder decoder, SafetensorsFile expected, double reach)
    {
        long undetermined = 0;
        foreach (var (part, value) in decoder.Weights.Tensors())
        {
            var reference = expected.Read($"after.{part}").to(float64);
            var difference = (value.detach().cpu().to(float64) - reference).abs();
            undetermined += difference.gt(Tolerance * reference.abs().max()).sum().item<long>();
            Assert.True(difference.max().item<double>() < 2 * reach, part);
        }
        Assert.True(undetermined <= decoder.Config.ParameterCount / 100_000,
            $"{undetermined} of {decoder.Config.ParameterCount} weights differ");
    }
}
