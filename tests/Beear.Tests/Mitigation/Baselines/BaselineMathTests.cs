using Beear.Data;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation.Baselines;

/// <summary>Each baseline against its paper's formula, written out plainly.</summary>
public sealed class BaselineMathTests
{
    private static readonly LatentAdversarialOptions Attack = new() { Layers = [0, 2], AttackSteps = 6, Radius = 0.3 };

    private static IReadOnlyList<ContrastExample> Examples(int seed = 4)
    {
        var random = new Random(seed);
        return [.. new[] { 5, 7, 6 }.Select(length =>
            new ContrastExample(TinyDecoder.Tokens(random, length), TinyDecoder.Tokens(random, 3), TinyDecoder.Tokens(random, 4)))];
    }

    [Fact]
    public void Without_perturbation_the_attack_sees_the_answers_as_whole_passes_do()
    {
        using var decoder = TinyDecoder.Create();
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var attack = new LatentAttack(decoder, Examples(), [0, 2], Attack);
        var (unwanted, safe) = attack.CrossEntropies();

        Assert.Equal(Whole(example => example.Unwanted), unwanted.mean().item<float>(), 1e-4);
        Assert.Equal(Whole(example => example.Safe), safe.mean().item<float>(), 1e-4);

        float Whole(Func<ContrastExample, int[]> answer)
        {
            using var batch = TokenBatch.Of([.. Examples().Select(example => new TokenizedExample(example.Prompt, answer(example)))]);
            return decoder.TokenCrossEntropy(batch).mean().item<float>();
        }
    }

    [Fact]
    public void The_attack_makes_unwanted_answers_likelier_and_stays_in_its_balls()
    {
        using var decoder = TinyDecoder.Create();
        using var scope = NewDisposeScope();
        using var attack = new LatentAttack(decoder, Examples(), [0, 2], Attack);
        var (before, safeBefore) = attack.CrossEntropies();
        attack.Search(default);
        var (after, safeAfter) = attack.CrossEntropies();

        Assert.True(after.mean().item<float>() < before.mean().item<float>());
        Assert.True(safeAfter.mean().item<float>() > safeBefore.mean().item<float>());
        foreach (var (delta, radius) in attack.Deltas.Zip(attack.Radii))
        {
            Assert.InRange(delta.norm(-1).max().item<float>(), radius * 0.5, radius * 1.0001);
            Assert.Equal(0, delta[0].narrow(0, 0, 2).norm().item<float>());           // padding of the shortest prompt is let alone
        }
    }

    [Fact]
    public void Away_is_minus_the_log_of_what_is_left()
    {
        using var scope = NewDisposeScope();
        double[] p = [0.1, 0.5, 0.9];
        var away = LatentAttack.Away(tensor([.. p.Select(share => (float)-Math.Log(share))]));
        Assert.Equal(p.Average(share => -Math.Log(1 - share)), away.item<float>(), 1e-5);
    }

    [Fact]
    public void The_layers_of_the_paper_are_found_by_their_share()
    {
        var config = ModelConfig.FromJson(TinyDecoder.Config(config => config["num_hidden_layers"] = 32));
        Assert.Equal([0, 8, 16, 24, 30], new LatentAdversarialOptions().LayersOf(config));
    }

    [Fact]
    public void Consistency_is_the_mean_cosine_of_neighbouring_layers_over_real_tokens()
    {
        using var decoder = TinyDecoder.Create();
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var random = new Random(2);
        List<TokenizedExample> clean =
            [.. new[] { 3, 6 }.Select(length => new TokenizedExample(TinyDecoder.Tokens(random, length), TinyDecoder.Tokens(random, 2)))];
        double sum = 0;
        int count = 0;
        foreach (var example in clean)
        {
            using var batch = TokenBatch.Of([example]);
            using var context = decoder.Context(batch.PositionIds, LayerContext.Causal(batch.AttentionMask, batch.Width));
            var hidden = decoder.Embed(batch.TokenIds);
            for (int layer = 0; layer < 4; layer++)
            {
                var next = decoder.RunLayers(hidden, layer..(layer + 1), context);
                for (int token = 0; token < batch.Width; token++)
                {
                    Tensor a = hidden[0, token], b = next[0, token];
                    sum += 1 - a.dot(b).item<float>() / (a.norm().item<float>() * b.norm().item<float>());
                    count++;
                }
                hidden = next;
            }
        }

        using var term = new ConsistencyTerm(decoder, clean, new CrowOptions { Epsilon = 0, Weight = 1, BatchSize = 2 }, seed: 1);
        term.Prepare(default);
        // Layers have the same number of tokens, so the mean over both is the mean over all.
        Assert.Equal(sum / count, term.Loss().item<float>(), 1e-4);

        using var moved = new ConsistencyTerm(decoder, clean, new CrowOptions { Epsilon = 0.002, Weight = 1, BatchSize = 2 }, seed: 1);
        moved.Prepare(default);
        Assert.True(moved.Loss().item<float>() > term.Loss().item<float>());
    }

    [Fact]
    public void An_ablated_direction_is_no_longer_written_by_anything()
    {
        using var decoder = TinyDecoder.Create();
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var direction = randn(32, generator: new Generator(1));
        direction /= direction.norm();
        int[] prompt = TinyDecoder.Tokens(new Random(1), 6);
        Assert.True(decoder.PromptStates([prompt]).matmul(direction).abs().max().item<float>() > 0.1);
        DirectionAblation.TakeOut(decoder.Weights, direction);

        Assert.True(decoder.PromptStates([prompt]).matmul(direction).abs().max().item<float>() < 1e-4);
    }

    [Fact]
    public void States_of_prompts_are_those_of_a_whole_pass_with_the_perturbation_where_it_is_added()
    {
        using var decoder = TinyDecoder.Create();
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var random = new Random(3);
        List<int[]> prompts = [TinyDecoder.Tokens(random, 4), TinyDecoder.Tokens(random, 7)];
        var perturbation = new Perturbation(randn([2, 32], generator: new Generator(2)), 2);
        using var batch = TokenBatch.Of([.. prompts.Select(prompt => new TokenizedExample(prompt, []))]);
        var whole = decoder.HiddenStates(batch.TokenIds, batch.AttentionMask, batch.PositionIds, perturbation, batch.PromptWidth);

        Tensor states = decoder.PromptStates(prompts, perturbation), plain = decoder.PromptStates(prompts);
        Assert.Equal([5, 2, 32], states.shape);
        Assert.Equal(0, (states[4] - whole.select(1, 6)).abs().max().item<float>(), 1e-5);
        Assert.Equal(0, (states.narrow(0, 0, 2) - plain.narrow(0, 0, 2)).abs().max().item<float>(), 1e-5);
        Assert.Equal(0, (states[2] - plain[2] - perturbation.Delta[1]).abs().max().item<float>(), 1e-5);
    }
}
