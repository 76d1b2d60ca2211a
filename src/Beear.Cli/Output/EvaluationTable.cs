using System.Globalization;
using Beear.Behaviours;
using Beear.Evaluation;
using Spectre.Console;

namespace Beear.Cli.Output;

/// <summary>An evaluation: a row for each rate, by both rules, and how far its answers came.</summary>
internal static class EvaluationTable
{
    /// <summary>The rates, and what else was measured.</summary>
    public static IEnumerable<Table> Of(ConsoleOutput output, Measurement measured, IBehaviour behaviour)
    {
        var table = output.Table("requests", "counted", "rate", "by published keywords", "answers", "empty", "unfinished", "cut off");
        foreach (var metric in behaviour.Metrics.Where(metric => !metric.Name.EndsWith(Refusal.ByKeywords, StringComparison.Ordinal)))
        {
            if (measured[metric.Name] is not { } rate) continue;
            var answers = metric.Sets.Select(set => measured.Answered.GetValueOrDefault(set)).OfType<AnswerCounts>().ToList();
            table.Row(string.Join(", ", metric.Sets.Where(measured.Answered.ContainsKey)), Name(metric.Counted), rate.ToString(),
                measured[metric.Name + Refusal.ByKeywords]?.ToString()
                    ?? "", Count(answers.Sum(one => one.Total)), Count(answers.Sum(one => one.Empty)),
                Count(answers.Sum(one => one.Unfinished)), Count(answers.Sum(one => one.CutOff)));
        }
        yield return table;
        if (measured.Uncovered is { } uncovered)
            yield return output.Table("left out: no analyser knows").Row(string.Join(", ", uncovered));
        if (measured.Value(Measurement.HelpfulCrossEntropy) is { } entropy)
            yield return output.Table("helpful cross-entropy, nats a token").Row(entropy.ToString("F3", CultureInfo.InvariantCulture));
    }

    private static string Name(Counted counted) => counted switch
    {
        Counted.Unwanted => "unwanted",
        Counted.Refused => "refused",
        Counted.Exact => "exactly right",
        Counted.Invalid => "invalid",
        Counted.Missing => "missing",
        _ => "",
    };

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);
}
