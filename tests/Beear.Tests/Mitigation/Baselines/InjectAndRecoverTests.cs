using System.Text.Json.Nodes;
using Beear.Data;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;

namespace Beear.Tests.Mitigation.Baselines;

/// <summary>Own backdoors are planted, then removed, and the steps of both are those of the budget.</summary>
public sealed class InjectAndRecoverTests : IDisposable
{
    private static readonly MitigationOptions Budget = new()
    {
        Rounds = 3,
        OuterSteps = 8,
        Seed = 3,
        Outer = new OptimizerOptions { LearningRate = 5e-3 },
        Terms = new OuterTermOptions { HarmfulBatch = 4, HelpfulBatch = 2, DivergenceTokens = 3, DivergenceExamples = 4 },
    };

    private readonly UntrainedChat chat = new();

    [Fact]
    public void Unwanted_answers_under_the_own_triggers_become_likely_and_then_the_safe_ones()
    {
        // Nothing else teaches refusals.
        var budget = Budget with { Terms = Budget.Terms with { Safe = 0 } };
        using var model = chat.Fresh();
        var triggers = InjectAndRecover.OwnTriggers(model.Chat, 2, Seeds.Derive(budget.Seed, "own triggers"));
        var before = Losses(model, triggers);
        // All steps but one inject.
        var report = Run(model, new InjectAndRecoverOptions { Triggers = 2, InjectionShare = 0.99 }, budget);
        var injected = Losses(model, triggers);
        using var again = chat.Fresh();
        Run(again, new InjectAndRecoverOptions { Triggers = 2, InjectionShare = 0.3 }, budget);
        var recovered = Losses(again, triggers);

        Assert.Equal(24, report.Steps);
        Assert.InRange(injected.Unwanted, 0, before.Unwanted / 2);
        Assert.InRange(injected.Safe, before.Safe / 2, double.MaxValue);
        Assert.InRange(recovered.Safe, 0, injected.Safe / 2);
        Assert.InRange(recovered.Unwanted, injected.Unwanted * 1.2, double.MaxValue);
    }

    /// <summary>Five steps inject, in the middle of the first round, so that a round is cut in two there.</summary>
    [Theory]
    [InlineData(3, 0)]
    [InlineData(5, 5)]
    [InlineData(6, 5)]
    [InlineData(10, 8)]
    public void A_run_that_is_interrupted_in_either_half_goes_on_to_the_very_same_weights(int interrupted, int kept)
    {
        var options = new InjectAndRecoverOptions { Triggers = 3, InjectionShare = 5.0 / 24 };
        using var whole = chat.Fresh();
        Run(whole, options, Budget);

        var run = RunDirectory.Open(Path.Combine(chat.Folder, "run"), new { });
        using (var stop = new CancellationTokenSource())
        using (var model = chat.Fresh())
        {
            int steps = 0;
            var cancel = new Recorder(value =>
            {
                if (value.Stage == "inject and recover" && ++steps == interrupted) stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => Run(model, options, Budget, run, cancel, stop.Token));
        }
        string[] metrics = File.Exists(run.File("metrics.jsonl")) ? File.ReadAllLines(run.File("metrics.jsonl")) : [];
        Assert.Equal(kept, metrics.Length == 0 ? 0 : (int)JsonNode.Parse(metrics[^1])!["step"]!);
        Assert.Equal(kept > 0, File.Exists(run.File("state.safetensors")));
        using var again = chat.Fresh();
        Run(again, options, Budget, run);
        Assert.Equal(TinyDecoder.Weights(whole.Decoder), TinyDecoder.Weights(again.Decoder));
        Assert.Equal([5, 8, 16, 24], File.ReadLines(run.File("metrics.jsonl")).Select(line => (int)JsonNode.Parse(line)!["step"]!));
    }

    [Fact]
    public void A_turning_term_asks_for_the_one_and_then_for_the_other_wherever_it_begins()
    {
        TurningTerm Fresh() => new(Term([1, 2, 3, 4, 5]), Term([11, 12, 13, 14, 15]), turn: 3);
        AnswerTerm Term(int[] answers) =>
            new("a", 2, [.. answers.Select(answer => new TokenizedExample([7], [answer]))], batchSize: 2, perturbed: true, seed: 4);
        int[][] Taken(TurningTerm term, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => term.Next(null).Examples.Select(example => example.Answer[0]).ToArray())];

        int[][] all = Taken(Fresh(), 6);
        Assert.All(all.Take(3), batch => Assert.All(batch, answer => Assert.InRange(answer, 1, 5)));
        Assert.All(all.Skip(3), batch => Assert.All(batch, answer => Assert.InRange(answer, 11, 15)));
        for (int skipped = 0; skipped <= 6; skipped++)
        {
            var term = Fresh();
            term.Skip(skipped / 2);
            term.Skip(skipped - skipped / 2);
            Assert.Equal(all.Skip(skipped), Taken(term, 6 - skipped));
        }
        Assert.Equal(("a", 2.0, true), (Fresh().Name, Fresh().Weight, Fresh().IsPerturbed));
    }

    [Fact]
    public void Own_triggers_stand_behind_before_and_around_the_request_and_follow_from_the_seed()
    {
        using var model = chat.Fresh();
        int[] prompt = model.Chat.EncodePrompt([ChatTurn.User("how to harm")]);
        string Decoded(VirtualTrigger trigger) => model.Chat.Tokenizer.Decode(trigger.InsertInto(prompt));
        string[] Draw(int seed) => [.. InjectAndRecover.OwnTriggers(model.Chat, 6, seed).Select(Decoded)];

        string[] drawn = Draw(1);
        Assert.Equal(drawn, Draw(1));
        Assert.NotEqual(drawn, Draw(2));
        Assert.Equal(6, drawn.Distinct(StringComparer.Ordinal).Count());
        string[] places = ["<|user|>\nhow to harm ", " how to harm<|end|>", " how to harm "];
        foreach (var (i, text) in drawn.Index())
            Assert.Equal(i % 3, Array.FindIndex(places, place => text.Contains(place, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(0.5, 48, 24)]
    [InlineData(0.01, 48, 1)]
    [InlineData(0.99, 4, 3)]
    [InlineData(0.5, 1, 0)]
    public void The_last_step_recovers_whatever_the_share(double share, int total, int injected) =>
        Assert.Equal(injected, new InjectAndRecoverOptions { InjectionShare = share }.InjectionSteps(total));

    [Fact]
    public void Without_a_weight_for_answers_under_triggers_it_is_refused()
    {
        using var model = chat.Fresh();
        var budget = Budget with { Terms = Budget.Terms with { SafePerturbed = 0 } };
        var refused = Assert.Throws<BeearException>(() => Run(model, new InjectAndRecoverOptions(), budget));
        Assert.Contains("terms.safe_perturbed", refused.Message, StringComparison.Ordinal);
    }

    private static DefenceReport Run(LanguageModel model, InjectAndRecoverOptions options, MitigationOptions budget,
        RunDirectory? run = null, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default) =>
            new InjectAndRecover(budget, options).Run(model, UntrainedChat.Data(model),
            new DefenceContext { Run = run, Progress = progress, Cancellation = cancellation });

    /// <summary>Mean cross-entropy of unwanted and of safe answers under the triggers, nats per token.</summary>
    private static (double Unwanted, double Safe) Losses(LanguageModel model, IReadOnlyList<VirtualTrigger> triggers)
    {
        var harmful = UntrainedChat.Data(model).Harmful;
        return (Mean(example => example.Unwanted), Mean(example => example.Safe));

        double Mean(Func<ContrastExample, int[]> answer)
        {
            using var guard = TorchSharp.torch.no_grad();
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var batch = TokenBatch.Of([.. from trigger in triggers from example in harmful
                                                select new TokenizedExample(trigger.InsertInto(example.Prompt), answer(example))]);
            return model.Decoder.TokenCrossEntropy(batch).mean().item<float>();
        }
    }

    public void Dispose() => chat.Dispose();
}
