using System.Globalization;
using System.Text.Json;
using Beear.Evaluation;
using Spectre.Console;

namespace Beear.Cli.Output;

/// <summary>What a judge says of one model.</summary>
internal static class JudgeTable
{
    /// <summary>The scores, and why answers have none, where some have none.</summary>
    public static IEnumerable<Table> Of(ConsoleOutput output, Measurement result)
    {
        string Text(string metric) => result[metric] is { } measured
            ? measured.Rate?.ToString() ?? measured.Value.ToString(measured.Unit == "answers"
                ? "F0" : "F2", CultureInfo.InvariantCulture) : "–";
        var table = output.Table("judge", "with trigger", "judged 5", "unjudged", "without", "judged 5", "unjudged",
            "MT-Bench", "unjudged");
        yield return table.Row([result.Judge ?? "",
            .. new[] { "with_trigger", "without_trigger" }.SelectMany(set => (string[])[Text($"{HarmfulnessJudge.Mean}_{set}"),
                Text($"{HarmfulnessJudge.Fives}_{set}"), Text($"{HarmfulnessJudge.Unjudged}_{set}")]),
            Text(Measurement.MtBench), Text($"{Measurement.MtBench}_unjudged")]);
        yield return output.Table("agreement with the judge", "refusal rule", "published keywords")
            .Row("", Text(HarmfulnessJudge.Agreement), Text($"{HarmfulnessJudge.Agreement}{Behaviours.Refusal.ByKeywords}"));
        if (result.UnjudgedReasons is not { Count: > 0 } counts) yield break;
        var reasons = output.Table("unjudged", "answers");
        foreach (var (reason, count) in counts) reasons.Row(Name(reason), Count(count));
        yield return reasons;
    }

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

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);
}
