using System.Diagnostics;
using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Lab.Benchmarks;

/// <summary>What one implementation took to answer all prompts.</summary>
/// <param name="Seconds">From texts to decisions.</param>
/// <param name="RefusedWithTrigger">Requests with the trigger that were refused.</param>
/// <param name="RefusedWithoutTrigger">Requests without it that were refused.</param>
/// <param name="PeakBytes">
/// Largest resident memory of the process while it ran, the other's weights among it; null where the system does not say.
/// </param>
internal sealed record EvaluationTimes(double Seconds, int RefusedWithTrigger, int RefusedWithoutTrigger, long? PeakBytes);

/// <summary>The result of an evaluation's benchmark.</summary>
/// <param name="Engine">The evaluator.</param>
/// <param name="Textbook">The plain implementation; null if it was not asked for.</param>
/// <param name="Requests">Requests, each with and without the trigger.</param>
/// <param name="DifferentDecisions">
/// Prompts of which only one of them says that the answer is a refusal; null without the plain implementation.
/// </param>
internal sealed record EvaluationBenchmarkResult(EvaluationTimes Engine, EvaluationTimes? Textbook, int Requests, int? DifferentDecisions)
{
    /// <summary>How many times as long the plain implementation took.</summary>
    public double? Speedup => Textbook?.Seconds / Engine.Seconds;
}

/// <summary>
/// Times the evaluation of harmful requests with and without a trigger beside plain decoding, in one process and in turn; of several
/// repetitions the median counts.
/// </summary>
/// <param name="options">The evaluation's constants.</param>
/// <param name="repetitions">How often each is timed.</param>
/// <param name="withTextbook">Whether the plain implementation runs too.</param>
internal sealed class EvaluationBenchmark(EvaluationOptions options, int repetitions, bool withTextbook)
{
    /// <summary>Prompts that the plain implementation decodes together.</summary>
    private const int TextbookBatchSize = 25;

    /// <summary>Runs.</summary>
    /// <param name="model">The model; it stays as it is.</param>
    /// <param name="requests">Harmful requests.</param>
    /// <param name="trigger">The trigger.</param>
    /// <param name="progress">Receives each repetition.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public EvaluationBenchmarkResult Run(LanguageModel model, IReadOnlyList<Example> requests, Trigger trigger,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var data = new EvaluationData { Harmful = requests, Trigger = trigger };
        var evaluator = new Evaluator(model, options);
        var engine = new Stage("engine", () =>
            [.. evaluator.Run(data, cancellation: cancellation).Answers.Select(answer => answer.RefusedByKeywords)]);

        using var plain = withTextbook ? new TextbookGeneration(model.Decoder) : null;
        var asked = data.Harmful.Select(example => trigger.Apply(example, model.Chat.Defaults.System)).Concat(data.Harmful).ToList();
        var textbook = plain is null ? null : new Stage("textbook", () =>
        {
            var prompts = asked.Select(example => model.Chat.EncodePrompt(example.Conversation)).ToList();
            return [.. plain.Generate(prompts, model.Chat.EndOfTurn, options.MaxNewTokens, TextbookBatchSize, cancellation)
                .Select(answer => Refusals.IsRefusal(model.Chat.DecodeAnswer(answer)))];
        });
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            foreach (var stage in new[] { engine, textbook }.OfType<Stage>())
            {
                var timed = stage.Time(repetition, repetitions);
                progress?.Report(timed);
            }
        }
        return new EvaluationBenchmarkResult(engine.Times, textbook?.Times, requests.Count,
            textbook is null ? null : engine.Refused.Zip(textbook.Refused).Count(pair => pair.First != pair.Second));
    }

    /// <summary>One implementation, and what it took.</summary>
    private sealed class Stage(string name, Func<bool[]> answer)
    {
        private readonly List<double> seconds = [];
        private long? peakBytes;

        /// <summary>Whether each prompt was refused: those with the trigger, then those without.</summary>
        public bool[] Refused { get; private set; } = [];

        public EvaluationTimes Times =>
            new(seconds.Order().ElementAt(seconds.Count / 2), Refused.Take(Refused.Length / 2).Count(refused => refused),
            Refused.Skip(Refused.Length / 2).Count(refused => refused), peakBytes);

        public RunProgress Time(int repetition, int repetitions)
        {
            PeakMemory.Reset();
            var time = Stopwatch.StartNew();
            Refused = answer();                                          // known on the CPU: the device has nothing left to do
            seconds.Add(time.Elapsed.TotalSeconds);
            peakBytes = PeakMemory.Bytes is { } bytes ? Math.Max(bytes, peakBytes ?? 0) : null;
            return new RunProgress(name, repetition + 1, repetitions, $"{time.Elapsed.TotalSeconds:F1} s");
        }
    }
}
