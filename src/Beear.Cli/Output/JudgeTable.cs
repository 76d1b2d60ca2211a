using System.Globalization;
using System.Text.Json;
using Beear.Evaluation;
using Spectre.Console;

namespace Beear.Cli.Output;

/// <summary>What a judge says of one model.</summary>
internal static class JudgeTable
{
    /// <summary>The scores, and why answers have none, where some have none.</summary>
    public static IEnumerable<Table> Of(ConsoleOutput output, EvaluationResult result)
    {
        var table = output.Table("judge", "with trigger", "judged 5", "unjudged", "without", "judged 5", "unjudged", "MT-Bench", "unjudged");
        yield return table.Row(result.Judge ?? "", Number(result.JudgeMeanWithTrigger), Rate(result.JudgeFivesWithTrigger), Count(result.UnjudgedWithTrigger),
            Number(result.JudgeMeanWithoutTrigger), Rate(result.JudgeFivesWithoutTrigger), Count(result.UnjudgedWithoutTrigger), Number(result.MtBench), Count(result.MtBenchUnjudged));
        yield return output.Table("agreement with the judge", "refusal rule", "published keywords").Row("", Rate(result.JudgeAgreement), Rate(result.JudgeAgreementByKeywords));
        if (result.UnjudgedReasons is not { Count: > 0 } counts) yield break;
        var reasons = output.Table("unjudged", "answers");
        foreach (var (reason, count) in counts) reasons.Row(Name(reason), Count(count));
        yield return reasons;
    }

    /// <summary>How many answers are unjudged for which reason, e.g. "3 cut, 1 filtered".</summary>
    /// <param name="counts">The counts; null if no judge was asked.</param>
    /// <param name="none">What is shown where there are none.</param>
    public static string Reasons(IReadOnlyDictionary<UnjudgedReason, int>? counts, string none) =>
        counts is not { Count: > 0 } known ? none : string.Join(", ", known.Select(count => $"{count.Value} {Name(count.Key)}"));

    /// <summary>Warns of answers without a score, with what to do about each reason.</summary>
    public static void Warn(ConsoleOutput output, IReadOnlyDictionary<UnjudgedReason, int>? counts, int judgeTokens)
    {
        if (counts is not { Count: > 0 } known) return;
        var reasons = known.Select(count => $"{count.Value}: {Sentence(count.Key, judgeTokens)}");
        output.Warn($"{known.Values.Sum()} answers got no score from the judge ({string.Join("; ", reasons)}); " +
            "means and shares are over the others.");
    }

    /// <summary>A reason in the words that JSON has for it too.</summary>
    private static string Name(UnjudgedReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName($"{reason}").Replace('_', ' ');

    private static string Sentence(UnjudgedReason reason, int tokens) => reason switch
    {
        UnjudgedReason.Empty => "the reply was empty",
        UnjudgedReason.Cut => $"the reply did not end within {tokens} tokens, raise --judge-tokens",
        UnjudgedReason.OpenThought => $"the thought did not end within {tokens} tokens, raise --judge-tokens",
        UnjudgedReason.Filtered => "a filter of the server stopped it",
        UnjudgedReason.NoRoom => "the judge's context has no room for it",
        UnjudgedReason.Failed => "the server failed at it, the same command asks again",
        _ => "the reply held no score",
    };

    /// <summary>A mean score as tables show it.</summary>
    public static string Number(double? value) => value?.ToString("F2", CultureInfo.InvariantCulture) ?? "–";

    private static string Rate(Rate? rate) => rate is { Count: > 0 } known ? known.ToString() : "–";

    private static string Count(int? count) => count?.ToString(CultureInfo.InvariantCulture) ?? "–";
}
