using Beear.Cli.Output;
using Beear.Lab.Plans;
using Beear.Lab.Runs;

namespace Beear.Cli;

/// <summary>Carries out a plan from the command line: checks, progress, judge.</summary>
internal static class PlanWork
{
    /// <summary>Runs what a folder does not hold yet.</summary>
    /// <param name="file">The plan.</param>
    /// <param name="folder">Where runs are kept.</param>
    /// <param name="shard">The part of the plan that is this process's; null for all.</param>
    /// <param name="judging">Who judges the answers.</param>
    /// <param name="context">Device, output, cancellation.</param>
    /// <returns>The records of all runs that were asked for, as far as they have ended.</returns>
    public static IReadOnlyList<RunRecord> Run(PlanFile file, RunFolder folder, Shard? shard, JudgeSettings judging, CommandContext context)
    {
        var (judge, bench) = (judging.Open(context), judging.ReadMtBench());
        var plan = PlanSettings.Prepare(file, bench, context);
        new Runner(plan, folder).Check(context.Cancellation);
        context.Output.WarnOf(plan.Subject.DataWarnings(context.Cancellation));
        new LocatedModel(plan.Subject.Source, plan.Subject.ModelOptions.AdapterBase).Told(context);
        var records = context.Output.WithProgress(progress => new Runner(plan, folder)
        {
            KeepModels = file.KeepModels,
            Shard = shard,
            Progress = progress,
            OnRun = record =>
            {
                context.Output.Note(RunTable.Line(record));
                context.Output.WarnOf([.. record.Warnings.Select(warning => $"{record.Name}: {warning}")]);
            },
        }.Run(context.Cancellation));
        if (judge is not null)
        {
            records = context.Output.WithProgress(progress => judge.Use(folder.Judgements,
                asked => new Judging(folder).RunAsync(records, asked, judge.Template, progress, context.Cancellation)));
            JudgeTable.Warn(context.Output,
                Evaluation.Measurement.Pool([.. records.Select(record => record.Measurement).OfType<Evaluation.Measurement>()])
                    .UnjudgedReasons, judging.JudgeTokens);
        }
        int left = plan.Wanted(_ => null).Count(run => shard is null && records.All(record => record.Id != run.Spec.Id));
        if (records.Count > 0) context.Output.Note($"beear report {folder.Path} --out report.html makes a page of it");
        if (left > 0) context.Output.Note(
            $"{left} more runs are under way in other processes; the same command shows them when they have ended.");
        return records;
    }

    /// <summary>The exit code of a plan whose records these are; failures are said.</summary>
    public static int Result(IReadOnlyList<RunRecord> records, CommandContext context)
    {
        var failed = records.Where(record => record.State == RunState.Failed).ToList();
        foreach (var record in failed) context.Output.Missed($"{record.Name}: {record.Error}");
        return failed.Count > 0 ? ExitCode.BarMissed : ExitCode.Success;
    }
}
