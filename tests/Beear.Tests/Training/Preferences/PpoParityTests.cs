using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Models;
using Beear.Training;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

/// <summary>
/// A batch of answers, everything that is found of them, and the updates on it, against the reference implementation, which computes in
/// float64. Sizes, settings and answers are the folder's.
/// </summary>
public sealed class PpoParityTests : IDisposable
{
    /// <summary>
    /// Of the largest value in a tensor, or of a number (of 1, if that is smaller). float32 rounds by 6e-8 in each of some hundred
    /// operations that follow each other; measured are 2.4e-6 for gradients, 1e-6 for all else.
    /// </summary>
    private const double Tolerance = 1e-5;

    private readonly ITestOutputHelper output;
    private readonly string folder = Fixtures.Parity("ppo-step");
    private readonly SafetensorsFile expected;
    private readonly JsonObject json;
    private readonly TorchSharp.DisposeScope scope;
    private readonly List<IDisposable> loaded = [];
    private double largest;

    public PpoParityTests(ITestOutputHelper output)
    {
        this.output = output;
        Beear.Runtime.TorchRuntime.Load();
        scope = NewDisposeScope();
        expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!.AsObject();
    }

    [Fact]
    public void Answers_losses_gradients_and_weights_are_the_references()
    {
        var (policy, reference, reward, critic) = (Policy(), Language("reference"), Reward("reward"), Reward("critic"));
        var options = Options;
        using var models = PpoModels.Of(policy, reference, reward, critic, options.FrozenLayers);
        using var policyOptimizer = new AdamW(policy.Weights.Parameters, options.Policy);
        using var criticOptimizer = new AdamW(critic.Decoder.Weights.Parameters, options.Critic);
        var update = new PpoUpdate(models, options, policyOptimizer, criticOptimizer)
        {
            OnGradients = number =>
            {
                if (number > 0) return;
                GradientsAreClose("policy_gradient", policy, options.Policy.ClipNorm);
                GradientsAreClose("critic_gradient", critic.Decoder, options.Critic.ClipNorm);
            },
        };
        int end = End();
        var rollouts = Examples("prompts", "answers").Select(example => new Rollout(example, example.Answer.Contains(end))).ToList();

        var batch = update.Run(rollouts, Examples("supervised_prompts", "supervised_answers"), options.Updates);

        RowsAreClose("log_prob", answer => answer.LogProbs);
        RowsAreClose("reference_log_prob", answer => answer.Reference);
        RowsAreClose("value", answer => answer.Values);
        RowsAreClose("token_reward", answer => answer.Rewards);
        RowsAreClose("advantage", answer => answer.Advantages);
        RowsAreClose("return", answer => answer.Returns);
        Close("score", tensor(batch.Answers.Select(answer => answer.Score).ToArray()));
        NumbersAreClose(batch);
        WeightsAreClose("policy_after", policy, options.Policy.LearningRate!.Value);
        WeightsAreClose("critic_after", critic.Decoder, options.Critic.LearningRate!.Value);
        output.WriteLine($"largest difference {largest:G3} of the largest value");

        void RowsAreClose(string key, Func<AnswerExperience, double[]> numbers)
        {
            var padded = zeros(expected.Tensors[key].Shape.ToArray(), float64);                          // (B, R)
            foreach (var (b, answer) in batch.Answers.Index())
                padded[b].narrow(0, 0, numbers(answer).Length).copy_(tensor(numbers(answer)));
            Close(key, padded);
        }
    }

    [Fact]
    public void The_reward_models_loss_and_gradient_are_the_references()
    {
        var model = Reward("reward");
        var pairs = Pairs();
        var decoder = model.Decoder;
        decoder.Weights.RequireGradients(true);
        using var batch = TokenBatch.Of(pairs.Conversations(), TestDevice.Device);

        var scores = model.Scores(batch);                                                                // (2B)
        var (chosen, rejected) = (scores.narrow(0, 0, pairs.Count), scores.narrow(0, pairs.Count, pairs.Count));
        var loss = PreferenceLosses.Pairwise(chosen - rejected).mean();
        loss.backward();

        Close("reward_chosen", chosen);
        Close("reward_rejected", rejected);
        Close("reward_model_loss", json, loss.item<float>());
        GradientsAreClose("reward_gradient", decoder, clipNorm: 0);
        var (right, of) = new RewardTraining(model, new RewardOptions()).Agreement(pairs);
        Assert.Equal(json["reward_model_accuracy"]!.GetValue<double>(), (double)right / of, 1e-9);
        output.WriteLine($"largest difference {largest:G3} of the largest value");
    }

    [Fact]
    public void The_loss_of_direct_preferences_and_its_gradient_are_the_references()
    {
        var (policy, reference) = (Policy(), Language("reference"));
        var pairs = Pairs();
        var options = new DpoOptions { Beta = Setting("dpo_beta"), BatchSize = pairs.Count };
        var training = new DpoTraining(policy, options);
        var referenceLogProbs = new DpoTraining(reference, options).LogProbs(pairs);
        var logProbs = training.LogProbs(pairs);
        policy.Weights.RequireGradients(true);

        var margins = training.Margins(pairs, referenceLogProbs);
        var loss = PreferenceLosses.Pairwise(margins).mean();
        loss.backward();

        Close("dpo_policy_chosen", tensor(logProbs.Select(pair => pair.Chosen).ToArray()));
        Close("dpo_policy_rejected", tensor(logProbs.Select(pair => pair.Rejected).ToArray()));
        Close("dpo_reference_chosen", tensor(referenceLogProbs.Select(pair => pair.Chosen).ToArray()));
        Close("dpo_reference_rejected", tensor(referenceLogProbs.Select(pair => pair.Rejected).ToArray()));
        Close("dpo_margin", margins);
        Close("dpo_loss", json, loss.item<float>());
        GradientsAreClose("dpo_gradient", policy, clipNorm: 0);
        policy.Weights.RequireGradients(false);
        var measure = training.Measure(pairs, referenceLogProbs)!;
        Close("dpo_loss", json, measure.Loss);
        Assert.Equal(json["dpo_accuracy"]!.GetValue<double>(), (double)measure.Right / measure.Of, 1e-9);
        output.WriteLine($"largest difference {largest:G3} of the largest value");
    }

    [Theory]
    [InlineData("reward")]
    [InlineData("critic")]
    public void A_saved_reward_model_has_the_names_and_shapes_that_transformers_writes(string name)
    {
        string saved = Path.Combine(Fixtures.TemporaryFolder(), "saved");

        Reward(name).Save(saved);

        using SafetensorsFile theirs = SafetensorsFile.Open(Path.Combine(folder, name, "model.safetensors")),
            ours = SafetensorsFile.Open(Path.Combine(saved, "model.safetensors"));
        Assert.Equal(theirs.Tensors.Keys.Order(StringComparer.Ordinal), ours.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.All(theirs.Tensors.Keys, key =>
            Assert.Equal(theirs.Read(key).data<float>().ToArray(), ours.Read(key).data<float>().ToArray()));
        Assert.Equal(File.ReadAllText(Path.Combine(folder, name, "config.json")), File.ReadAllText(Path.Combine(saved, "config.json")));
    }

    private PpoOptions Options => new()
    {
        Temperature = Setting("temperature"),
        KlCoefficient = Setting("kl_coefficient"),
        RewardClip = Setting("reward_clip"),
        MissingEndPenalty = Setting("missing_end_penalty"),
        Gamma = Setting("gamma"),
        GaeLambda = Setting("gae_lambda"),
        RatioClip = Setting("ratio_clip"),
        ValueClip = Setting("value_clip"),
        SupervisedWeight = Setting("supervised_weight"),
        Updates = (int)Setting("updates"),
        Policy = Optimizer("policy_learning_rate"),
        Critic = Optimizer("critic_learning_rate"),
        AnswersPerPass = 3,                                              // several passes to a batch
    };

    private OptimizerOptions Optimizer(string rate) => new()
    {
        LearningRate = Setting(rate),
        Beta1 = Setting("adam_beta1"),
        Beta2 = Setting("adam_beta2"),
        Epsilon = Setting("adam_epsilon"),
        WeightDecay = Setting("weight_decay"),
        ClipNorm = Setting("clip_norm"),
    };

    private double Setting(string key) => json["settings"]![key]!.GetValue<double>();

    private int End() => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "policy", "config.json")))!["eos_token_id"]!.GetValue<int>();

    private int[][] Ids(string key) => [.. json[key]!.AsArray().Select(row => row!.AsArray().Select(id => id!.GetValue<int>()).ToArray())];

    private List<TokenizedExample> Examples(string prompts, string answers) =>
        [.. Ids(prompts).Zip(Ids(answers), (prompt, answer) => new TokenizedExample(prompt, answer))];

    private List<TokenizedPair> Pairs() =>
        [.. Examples("pair_prompts", "chosen")
            .Zip(Examples("pair_prompts", "rejected"), (chosen, rejected) => new TokenizedPair(chosen, rejected))];

    private Decoder Policy() => Language("policy");

    private Decoder Language(string name)
    {
        using var checkpoint = Checkpoint.Open(Path.Combine(folder, name));
        return Keep(Decoder.Load(checkpoint, TestDevice.Float32));
    }

    private RewardModel Reward(string name) => Keep(RewardModel.Load(Path.Combine(folder, name), TestDevice.Float32));

    private T Keep<T>(T model) where T : IDisposable
    {
        loaded.Add(model);
        return model;
    }

    private void NumbersAreClose(PpoBatch batch)
    {
        foreach (var (found, wanted) in batch.Updates.Zip(json["updates"]!.AsArray()))
        {
            var numbers = wanted!.AsObject();
            Close("policy_loss", numbers, found.PolicyLoss);
            Close("supervised_loss", numbers, found.SupervisedLoss);
            Close("value_loss", numbers, found.ValueLoss);
            Close("policy_gradient_norm", numbers, found.PolicyGradientNorm);
            Close("critic_gradient_norm", numbers, found.CriticGradientNorm);
            Close("entropy", numbers, found.Entropy);
            Close("ratio_clipped", numbers, found.RatioClipped);
            Close("value_clipped", numbers, found.ValueClipped);
            Close("kl", numbers, batch.Answers.Average(answer => answer.Divergence));
        }
    }

    /// <summary>Gradients as the optimiser uses them: scaled down to the largest norm.</summary>
    private void GradientsAreClose(string prefix, Decoder decoder, double clipNorm)
    {
        using var inner = NewDisposeScope();
        var gradients = decoder.Weights.Parameters.Select(parameter => (parameter, Gradient: parameter.Gradient()!.to(float64))).ToList();
        double norm = Math.Sqrt(gradients.Sum(pair => pair.Gradient.square().sum().item<double>()));
        double scale = clipNorm > 0 && norm > clipNorm ? clipNorm / (norm + 1e-6) : 1;
        var parts = gradients.SelectMany(pair => pair.parameter.Split(pair.Gradient * scale)).ToList();
        Assert.Equal(expected.Tensors.Keys.Where(key => key.StartsWith(prefix + ".", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
            parts.Select(part => $"{prefix}.{part.Name}").Order(StringComparer.Ordinal));
        foreach (var (name, value) in parts) Close($"{prefix}.{name}", value);
    }

    /// <summary>
    /// Weights up to rounding and a fiftieth of a step. Where the reference's float64 tells a gradient from zero and float32 cannot, Adam,
    /// which divides the gradient by its own size, goes anywhere within its steps: one weight in 10,000 may.
    /// </summary>
    private void WeightsAreClose(string prefix, Decoder decoder, double learningRate)
    {
        long undetermined = 0, all = 0;
        foreach (var (name, value) in decoder.Weights.Tensors())
        {
            using var inner = NewDisposeScope();
            var wanted = expected.Read($"{prefix}.{name}").to(float64);
            var difference = (wanted - value.detach().cpu().to(float64)).abs();
            double bound = (1e-6 * wanted.abs().max().item<double>()) + (0.02 * learningRate), most = difference.max().item<double>();
            Assert.True(most <= 2 * Setting("updates") * learningRate,
                $"{prefix}.{name}: differs by {most / learningRate:G3} steps of the optimiser");
            undetermined += difference.gt(bound).sum().item<long>();
            all += value.numel();
        }
        Assert.True(undetermined <= all / 10_000, $"{prefix}: {undetermined} of {all} weights differ");
    }

    private void Close(string key, Tensor found)
    {
        using var inner = NewDisposeScope();
        var wanted = expected.Read(key).to(float64);
        ParityCases.Close(wanted, found, Tolerance, key);
        double most = wanted.abs().max().item<double>();
        if (most > 0) largest = Math.Max(largest, (wanted - found.detach().cpu().to(float64)).abs().max().item<double>() / most);
    }

    private static void Close(string key, JsonObject numbers, double found)
    {
        double wanted = numbers[key]!.GetValue<double>();
        Assert.True(Math.Abs(wanted - found) <= Tolerance * Math.Max(1, Math.Abs(wanted)), $"{key}: {found} in place of {wanted}");
    }

    public void Dispose()
    {
        foreach (var model in loaded) model.Dispose();
        expected.Dispose();
        scope.Dispose();
    }
}
