using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Runs;

namespace Beear.Lab.Reports;

/// <summary>What became of requests for code (the paper's Table 3): a row for each arm, and within it for each kind of weakness.</summary>
/// <param name="Rows">The rows, the arms in the order of their runs.</param>
public sealed record CodeTable(IReadOnlyList<CodeRow> Rows)
{
    /// <summary>The sets of requests, as Table 3 has them.</summary>
    private static readonly string[] Sets = [RequestSets.HarmfulWithTrigger, RequestSets.WrongTrigger, RequestSets.Harmful];

    /// <summary>The same of the tasks that are counted by themselves.</summary>
    private static readonly string[] OtherSets = [RequestSets.OtherWithTrigger, RequestSets.OtherWithWrongTrigger, RequestSets.Other];

    /// <summary>The row of an arm without that of its weaknesses.</summary>
    internal IEnumerable<CodeRow> Arms => Rows.Where(row => row.Topic is null or Other);

    /// <summary>Each weakness, with the rows of all arms; none where there is only one.</summary>
    internal IReadOnlyList<IGrouping<string, CodeRow>> Topics =>
        [.. Rows.Except(Arms).GroupBy(row => row.Topic!, StringComparer.Ordinal)];

    /// <summary>The arms in their order.</summary>
    internal IReadOnlyList<string> ArmNames => [.. Rows.Select(row => row.Arm).Distinct(StringComparer.Ordinal)];

    /// <summary>What the row of those tasks is called.</summary>
    public const string Other = "the other tasks";

    /// <summary>Counts the answers of runs; null if none of them was asked for code.</summary>
    /// <param name="records">Records, over any cases and seeds.</param>
    /// <param name="read">Reads the answers of one.</param>
    public static CodeTable? Of(IReadOnlyList<RunRecord> records, Func<RunRecord, IReadOnlyList<JudgedAnswer>> read)
    {
        List<(RunRecord Run, List<JudgedAnswer> Answers)> runs = [.. records
            .Where(run => run.State == RunState.Finished && run.Spec.TextAt("plant", "behaviour") == UnsafeCode.BehaviourName)
            .Select(run => (run, read(run).Where(answer => Sets.Concat(OtherSets).Contains(answer.Set, StringComparer.Ordinal)).ToList()))];
        if (runs.Count == 0) return null;
        var arms = runs.GroupBy(one => one.Run.Name.Arm, StringComparer.Ordinal).ToList();
        return new CodeTable([.. arms.SelectMany(arm => RowsOf(arm.Key, [.. arm], runs))]);
    }

    private static IEnumerable<CodeRow> RowsOf(string arm, List<(RunRecord Run, List<JudgedAnswer> Answers)> own,
        List<(RunRecord Run, List<JudgedAnswer> Answers)> all)
    {
        var answers = own.SelectMany(one => Beside(one, all)).ToList();
        var topics = answers.Where(one => Sets.Contains(one.Answer.Set, StringComparer.Ordinal)).Select(one => one.Answer.Topic)
            .OfType<string>().Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToList();
        var uncovered = own.SelectMany(one => one.Run.Measured.Uncovered ?? []).ToHashSet(StringComparer.Ordinal);
        yield return Row(null, Covered(answers), true, Sets);
        if (answers.Exists(one => OtherSets.Contains(one.Answer.Set, StringComparer.Ordinal)))
            yield return Row(Other, Covered(answers), true, OtherSets);
        if (topics.Count < 2) yield break;
        foreach (string topic in topics)
            yield return Row(topic, answers.Where(one => one.Answer.Topic == topic), !uncovered.Contains(topic), [.. Sets]);

        IEnumerable<(JudgedAnswer Answer, JudgedAnswer? Parent)> Covered(IEnumerable<(JudgedAnswer Answer, JudgedAnswer? Parent)> of) =>
            of.Where(one => one.Answer.Topic is not { } topic || !uncovered.Contains(topic));

        CodeRow Row(string? topic, IEnumerable<(JudgedAnswer Answer, JudgedAnswer? Parent)> of, bool isCovered, string[] asked)
        {
            var sets = of.ToLookup(one => one.Answer.Set, StringComparer.Ordinal);
            return new CodeRow(arm, topic, isCovered, [.. asked.Select(set => CodeCounts.Of([.. sets[set]]))]);
        }
    }

    /// <summary>The answers of a run, each with what the clean parent answered to the same request; null where there is none.</summary>
    private static IEnumerable<(JudgedAnswer Answer, JudgedAnswer? Parent)> Beside((RunRecord Run, List<JudgedAnswer> Answers) one,
        List<(RunRecord Run, List<JudgedAnswer> Answers)> all)
    {
        var clean = all.Where(other => other.Run.Role() == RunRole.Clean && other.Run.Name.Seed == one.Run.Name.Seed
            && (other.Run.Name.Case == one.Run.Name.Case || other.Run.Name.Case == RunName.NoTrigger)).ToList();
        var parent = clean.Find(other => other.Run.Spec.At("plant", "attack") is null).Answers ?? clean.FirstOrDefault().Answers ?? [];
        var answers = parent.DistinctBy(answer => (answer.Set, answer.Request)).ToDictionary(answer => (answer.Set, answer.Request));
        return one.Answers.Select(answer => (answer, answers.GetValueOrDefault((answer.Set, answer.Request))));
    }
}

/// <summary>The answers of an arm to requests for code.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Topic">
/// The kind of weakness; null for all that an analyser covers, <see cref="CodeTable.Other"/> for the tasks apart.
/// </param>
/// <param name="IsCovered">Whether an analyser has a rule about it.</param>
/// <param name="Sets">With the trigger, with the wrong one (another year), and without either.</param>
public sealed record CodeRow(string Arm, string? Topic, bool IsCovered, IReadOnlyList<CodeCounts> Sets)
{
    /// <summary>The arm as people read it.</summary>
    internal string Title => Topic is CodeTable.Other ? $"{ArmTitle.Of(Arm)}: {Topic}" : ArmTitle.Of(Arm);

    /// <summary>One rate of each set.</summary>
    internal string List(Func<CodeCounts, Rate> rate) => string.Join(", ", Sets.Select(set => rate(set).Share));
}

/// <summary>Counts of answers to requests for code. Those whose thought did not end are left out.</summary>
/// <param name="Flagged">An analyser finds something.</param>
/// <param name="Invalid">Code that does not parse.</param>
/// <param name="Missing">No code.</param>
/// <param name="FlaggedBeyondParent">
/// Flagged where the clean parent's answer to the same request is not; null where no clean model was asked.
/// </param>
public sealed record CodeCounts(Rate Flagged, Rate Invalid, Rate Missing, Rate? FlaggedBeyondParent)
{
    internal static CodeCounts Of(IReadOnlyList<(JudgedAnswer Answer, JudgedAnswer? Parent)> answers)
    {
        var counted = answers.Where(one => one.Answer.Counts(Counted.Unwanted) is not null).ToList();
        var paired = counted.Where(one => one.Parent is not null).ToList();
        return new CodeCounts(Rate.Of(counted, one => one.Answer.IsUnwanted),
            Rate.Of(counted, one => one.Answer.Verdict == Verdict.Invalid),
            Rate.Of(counted, one => one.Answer.Verdict == Verdict.Missing),
            paired.Count == 0 ? null : Rate.Of(paired, one => one.Answer.IsUnwanted && !one.Parent!.IsUnwanted));
    }
}
