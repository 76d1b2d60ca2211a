using System.Globalization;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Benchmarks;

namespace Beear.Cli.Commands;

/// <summary><c>beear bench --evaluation</c>: times an evaluation beside plain decoding.</summary>
internal static class EvaluationBench
{
    public static int Run(BenchOptions options, CommandContext context)
    {
        if (options.Model is null || options.Data.Harmful.Length == 0) throw new BeearException(
            "The evaluation is timed on a model with data; give a model and add --harmful.");
        if (options.Trigger.Resolve() is not { } trigger) throw new BeearException(
            "The evaluation is timed with a trigger; add --trigger.");
        var data = new EvaluationData
        {
            Harmful = options.Data.ReadHarmfulRequests(DataSplit.Evaluation, context.Cancellation),
            Trigger = trigger
        };
        context.Output.WarnOf(data.Warnings);
        Evaluator.Check(options.Source.Outline(context), data, context.Cancellation);
        using var model = options.Source.Load(context);
        var result = context.Output.WithProgress(progress =>
            new EvaluationBenchmark(options.Decoding, options.Repetitions, !options.EngineOnly)
                .Run(model, data.Harmful, trigger, progress, context.Cancellation));
        context.Output.Result(result, shown =>
        {
            var table = context.Output.Table("", "evaluation", "refused with trigger", "refused without", "peak memory");
            foreach (var (name, times) in new[] { ("engine", shown.Engine), ("textbook", shown.Textbook) })
            {
                if (times is null) continue;
                table.Row(name, BenchCommand.Seconds(times.Seconds), Count(times.RefusedWithTrigger), Count(times.RefusedWithoutTrigger),
                    BenchCommand.Size(times.PeakBytes));
            }
            return shown.Speedup is not { } speedup ? [table] : [table, context.Output.Table("times as fast", "different decisions")
                .Row(speedup.ToString("F2", CultureInfo.InvariantCulture), Count(shown.DifferentDecisions!.Value))];
        });
        return ExitCode.Success;
    }

    private static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);
}
