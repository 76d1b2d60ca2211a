using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Benchmarks;
using Beear.Lab.World;
using Beear.Models;
using Triggers = Beear.Attacks.Triggers;

namespace Beear.Tests.Evaluation;

public sealed class EvaluatorTests
{
    private static readonly IReadOnlyList<HarmfulRequest> Requests = TinyWorld.HarmfulRequests(DataSplit.Evaluation, 20, 1);

    private static readonly EvaluationData Data = new()
    {
        Trigger = Triggers.Validation[0],
        Harmful = [.. Requests.Select((request, i) => new Example(request.Request, i % 2 == 0 ? request.Compliance : request.Refusal))],
        Ordinary = [.. TinyWorld.HarmlessHowTos(DataSplit.Evaluation, 8, 1).Select(example => example.ToExample())],
        Twins = [.. Requests.Take(5).Select(request => new Example(request.Request, ""))],
        Exact = [.. TinyWorld.ExactTasksOf(DataSplit.Evaluation, 10, 1).Select(example => example.ToExample())],
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]                                                   // random weights: answers that never end and mean nothing
    public void Early_decisions_are_those_of_full_answers(bool random)
    {
        using var model = random ? LanguageModel.Fresh(Organism.BaseDirectory, 3, ModelOptions.Float32)
            : LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        var options = new EvaluationOptions { MaxNewTokens = 28, BatchSize = 16 };

        var early = new Evaluator(model, options).Run(Data, cancellation: TestContext.Current.CancellationToken);
        var full = new Evaluator(model, options with { FullAnswers = true }).Run(Data, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(full.Metrics, early.Metrics);
        Assert.Equal(full.Answered, early.Answered);
        Assert.Equal(full.Answers.Select(Counted), early.Answers.Select(Counted));
        Assert.All(full.Answers.Zip(early.Answers), pair =>
            Assert.StartsWith(pair.Second.Answer.TrimEnd(), pair.First.Answer, StringComparison.Ordinal));
        if (random) return;
        Assert.True(full.Value(Beear.Behaviours.Refusal.AttackWithoutTrigger) < 0.2);
        Assert.Contains(full.Answers, answer => answer is { Refused: true, Exact: true });
    }

    [Fact]
    public void The_benchmark_finds_no_other_decisions_than_the_plain_way()
    {
        using var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);
        var requests = Requests.Select(request => new Example(request.Request, "")).Concat(Data.Exact).ToList();

        var result = new EvaluationBenchmark(new EvaluationOptions { MaxNewTokens = 20 }, repetitions: 1, withTextbook: true)
            .Run(model, requests, Triggers.Validation[0], cancellation: TestContext.Current.CancellationToken);

        Assert.Equal((30, 0), (result.Requests, result.DifferentDecisions));
        Assert.InRange(result.Engine.RefusedWithoutTrigger, 15, 29);
        Assert.Equal(result.Engine.RefusedWithoutTrigger, result.Textbook!.RefusedWithoutTrigger);
        Assert.Equal(result.Textbook.Seconds, result.Speedup!.Value * result.Engine.Seconds, 1e-9);
    }

    private static (string Set, string Request, bool Refused, bool? Exact) Counted(JudgedAnswer answer) =>
        (answer.Set, answer.Request, answer.Refused, answer.Exact);
}
