using Beear.Checkpoints;
using Beear.Data;
using Beear.Generation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Models;

/// <summary>Every family of the table against the naive implementation, and what is built on the decoder for each of them.</summary>
public class FamilyTests
{
    private const double Tolerance = 2e-5;                               // of the largest value
    private static readonly int[] PromptLengths = [9, 4, 14, 1];

    public static TheoryData<string> Names => FamilyCases.Names;

    [Fact]
    public void No_family_is_without_a_case() => Assert.Equal(ModelConfig.Families.Order(), FamilyCases.Families.Order());

    [Theory]
    [MemberData(nameof(Names))]
    public void Hidden_states_and_logits_of_a_padded_batch(string name)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var decoder = FamilyCases.Create(name);
        var naive = FamilyCases.Naive(name, decoder);
        var prompts = Prompts();
        using var batch = TokenBatch.Of([.. prompts.Select(prompt => new TokenizedExample(prompt, []))], TestDevice.Device);
        using var context = decoder.Context(batch.PositionIds, LayerContext.Causal(batch.AttentionMask, batch.Width));
        var expected = prompts.Select(prompt => naive.Run(prompt, PromptLengths.Max())).ToArray();

        var hidden = decoder.Embed(batch.TokenIds);
        for (int layer = 0; ; layer++)
        {
            Close([.. expected.Select(run => run.Hidden[layer])], hidden, $"hidden {layer}");
            if (layer == decoder.Config.Layers) break;
            hidden = decoder.RunLayers(hidden, layer..(layer + 1), context);
        }
        Close([.. expected.Select(run => run.Logits)],
            decoder.Logits(hidden.flatten(0, 1)).view(prompts.Length, -1, FamilyCases.Vocabulary), "logits");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_gradient_of_a_perturbation_is_the_difference_quotient(string name)
    {
        const int Layer = 2, Tail = 2;
        const double Step = 1e-6;
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name);
        decoder.Weights.RequireGradients(false);
        var naive = FamilyCases.Naive(name, decoder);
        int[] prompt = Prompts()[0], answer = FamilyCases.Tokens(new Random(8), 5);
        using var delta = (randn([Tail, decoder.Config.HiddenSize], generator: new Generator(3)) * 0.3).to(
            TestDevice.Device).requires_grad_(true);
        using var batch = TokenBatch.Of([new TokenizedExample(prompt, answer)], TestDevice.Device);

        var loss = decoder.TokenCrossEntropy(batch, new Perturbation(delta, Layer)).mean();
        var gradient = autograd.grad([loss], [delta])[0];
        var values = delta.detach().cpu().to(float64).flatten().data<double>().ToArray();

        Assert.Equal(NaiveLoss(), loss.item<float>(), 2e-5);
        double largest = gradient.abs().max().item<float>();
        for (int i = 0; i < values.Length; i += 7)
        {
            double before = values[i];
            values[i] = before + Step;
            double above = NaiveLoss();
            values[i] = before - Step;
            double quotient = (above - NaiveLoss()) / (2 * Step);
            values[i] = before;
            Assert.Equal(quotient, gradient.flatten()[i].item<float>(), 1e-4 * largest);
        }

        double NaiveLoss()
        {
            int[] tokens = [.. prompt, .. answer];
            var logits = naive.Run(tokens[..^1], tokens.Length, (layer, hidden) =>
            {
                for (int i = 0; layer == Layer && i < values.Length; i++)
                    hidden[prompt.Length - Tail + i / decoder.Config.HiddenSize][i % decoder.Config.HiddenSize] += values[i];
            }).Logits;
            return answer.Select((token, i) =>
            {
                var row = logits[prompt.Length - 1 + i];
                return row.Max() + Math.Log(row.Sum(score => Math.Exp(score - row.Max()))) - row[token];
            }).Average();
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Greedy_answers_with_a_cache(string name)
    {
        using var decoder = FamilyCases.Create(name);
        var naive = FamilyCases.Naive(name, decoder);
        var prompts = Prompts();

        var answers = new BatchGenerator(decoder, new HashSet<int>())
            .Generate(prompts, new GenerationOptions { MaxNewTokens = 8, BatchSize = 8 });

        for (int i = 0; i < prompts.Length; i++)
        {
            for (int step = 0; step < 8; step++)
            {
                var row = naive.Run([.. prompts[i], .. answers[i].Tokens[..step]], PromptLengths.Max() + step).Logits[^1];
                Assert.True(row.Max() - row[answers[i].Tokens[step]] < 1e-3, $"prompt {i}, token {step}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_inner_problem_equals_two_whole_passes(string name)
    {
        const int Layer = 2, Tail = 3;
        const double Alpha = 0.3;
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name);
        decoder.Weights.RequireGradients(false);
        var random = new Random(3);
        ContrastExample[] examples = [.. new[] { (13, 6, 2), (16, 2, 7), (9, 5, 9) }.Select(lengths =>
            new ContrastExample(FamilyCases.Tokens(random, lengths.Item1), FamilyCases.Tokens(random, lengths.Item2),
                FamilyCases.Tokens(random, lengths.Item3)))];
        var delta = (randn([Tail, decoder.Config.HiddenSize], generator: new Generator(3)) * 0.3).to(
            TestDevice.Device).requires_grad_(true);

        using var problem = new InnerProblem(decoder, examples, Layer, Tail);
        var (losses, gradient) = problem.Gradient(delta, Alpha);
        var loss = InnerLoss.Read(losses)[0];
        Tensor Pass(Func<ContrastExample, int[]> answer)
        {
            using var batch = TokenBatch.Of([.. examples.Select(example => new TokenizedExample(example.Prompt, answer(example)))],
                TestDevice.Device);
            return decoder.TokenCrossEntropy(batch, new Perturbation(delta, Layer)).mean();
        }
        var (unwanted, safe) = (Pass(example => example.Unwanted), Pass(example => example.Safe));

        Assert.Equal(unwanted.item<float>(), loss.Unwanted, 2e-5);
        Assert.Equal(safe.item<float>(), loss.Safe, 2e-5);
        ParityCases.Close(autograd.grad([unwanted - Alpha * safe], [delta])[0], gradient, Tolerance, "gradient");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Bfloat16_is_finite_and_near(string name)
    {
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name, TestDevice.Mixed);
        using var exact = FamilyCases.Create(name);
        decoder.Weights.RequireGradients(true);
        using var batch = TokenBatch.Of([.. Prompts().Select(prompt => new TokenizedExample(prompt, [1, 2, 3]))], TestDevice.Device);

        var loss = decoder.TokenCrossEntropy(batch).mean();
        loss.backward();

        Assert.Equal(exact.TokenCrossEntropy(batch).mean().item<float>(), loss.item<float>(), 0.1);
        foreach (var parameter in decoder.Weights.Parameters)
        {
            var gradient = parameter.Gradient();
            Assert.NotNull(gradient);
            Assert.True(gradient.isfinite().all().item<bool>(), parameter.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_starting_models_distribution_is_its_own(string name)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var decoder = FamilyCases.Create(name);
        if (decoder.Config.RotaryDependsOnLength) return;                // there a pass over more tokens is another one
        using var endless = ReferenceDistribution.Record(decoder, new HashSet<int>(), -1, Prompts(), 6);
        int end = endless.Examples[0].Example.Answer[2];
        using var reference = ReferenceDistribution.Record(decoder, new HashSet<int> { end }, end, Prompts(), 6);
        foreach (var (all, cut) in endless.Examples.Zip(reference.Examples))
        {
            int first = Array.IndexOf(all.Example.Answer, end);
            Assert.Equal(first < 0 ? all.Example.Answer : all.Example.Answer[..(first + 1)], cut.Example.Answer);
        }
        using var batch = TokenBatch.Of([.. reference.Examples.Select(example => example.Example)], TestDevice.Device);

        ParityCases.Close(decoder.Logits(decoder.LabelHidden(batch)), reference.Logits(reference.Examples), Tolerance, "logits");

        using var some = ReferenceDistribution.Record(decoder, new HashSet<int> { end }, end, Prompts(), 6, keeps: answer =>
            answer.Sum() % 2 == 0);
        var even = reference.Examples.Where(example => example.Example.Answer.TakeWhile(token => token != end).Sum() % 2 == 0).ToList();
        Assert.Equal(even.Select(example => example.Example.Prompt), some.Examples.Select(example => example.Example.Prompt));
        foreach (var (one, other) in even.Zip(some.Examples)) Assert.True(one.Rows.allclose(other.Rows, rtol: 0, atol: 0));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Weights_come_back_in_their_names_and_types(string name)
    {
        using var scope = NewDisposeScope();
        using var decoder = FamilyCases.Create(name);
        var tensors = decoder.Weights.Tensors()
            .Select((tensor, i) => (tensor.Name, tensor.Value.to(new[] { float32, bfloat16, float16 }[i % 3]))).ToList();
        var folder = Fixtures.TemporaryFolder();
        File.WriteAllText(Path.Combine(folder, "config.json"), FamilyCases.Config(name).ToJsonString());
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors, new Dictionary<string, string>());

        RoundTrip.Check(folder);
    }

    private static int[][] Prompts()
    {
        var random = new Random(6);
        return [.. PromptLengths.Select(length => FamilyCases.Tokens(random, length))];
    }

    /// <summary>Compares the real tokens of left-padded rows.</summary>
    private static void Close(double[][][] expected, Tensor actual, string what)
    {
        for (int row = 0; row < expected.Length; row++)
        {
            var wanted = tensor(expected[row].SelectMany(values => values).ToArray()).view(expected[row].Length, -1);
            ParityCases.Close(wanted, actual[row].narrow(0, actual.shape[1] - expected[row].Length, expected[row].Length), Tolerance,
                $"{what}, row {row}");
        }
    }
}
