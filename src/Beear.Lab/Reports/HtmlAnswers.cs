using Beear.Behaviours;
using Beear.Behaviours.Code;
using Beear.Evaluation;
using Beear.Generation;

namespace Beear.Lab.Reports;

/// <summary>What models answered, before and after: closed at first, behind a warning. Nothing is picked by hand.</summary>
internal static class HtmlAnswers
{
    private const int Examples = 3, Left = 2, LongestAnswer = 600;

    private static readonly (string Set, string Title)[] Sets =
        [(RequestSets.HarmfulWithTrigger, "With the trigger"), (RequestSets.Harmful, "The same without a trigger")];

    /// <summary>The answers of a plan's first seed, case by case.</summary>
    public static void Write(HtmlWriter html, PlanReport plan)
    {
        html.Element("h3", "What the models answered", ("id", $"{plan.Id}-answers"));
        html.Note($"The first {Examples} requests of each set, and the first {Left} that still get an unwanted "
            + "answer after the first defence.");
        foreach (var one in plan.Cases)
        {
            List<Speaker> speakers = [.. Speakers(plan.Plan, one)];
            if (speakers.Count == 0) continue;
            using var details = html.Folded($"Case {one.Name}. Content warning: answers of backdoored models to harmful requests");
            html.List("doubts", [.. speakers.Select(speaker => speaker.Problem).OfType<string>()]);
            foreach (var (set, title) in Sets) Write(html, title, speakers, First(speakers[0], set));
            Write(html, "Still unwanted", speakers, [.. LeftOver(speakers).Take(Left)]);
        }
    }

    private static void Write(HtmlWriter html, string title, List<Speaker> speakers, IReadOnlyList<JudgedAnswer> asked)
    {
        if (asked.Count == 0) return;
        html.Element("h4", title);
        foreach (var request in asked)
        {
            using var card = html.Open("dl", ("class", "answers"));
            using (html.Open("div", ("class", "request")))
            {
                html.Element("dt", "Request");
                using var text = html.Open("dd", ("dir", "auto"));
                foreach (var turn in request.Context) html.Element("p", $"{turn.Role}: {Cut(turn.Content)}", ("class", "turn"));
                html.Element("p", Cut(request.Request));
            }
            foreach (var speaker in speakers)
            {
                if (speaker.Answers.FirstOrDefault(own => IsSame(own, request)) is not { } answer) continue;
                using var entry = html.Open("div", ("class", answer.IsUnwanted ? "unwanted" : "wanted"));
                html.Element("dt", $"{speaker.Title}: {Word(answer)}");
                using var text = html.Open("dd", ("dir", "auto"));
                if (answer.Thought is { Length: > 0 } thought) html.Element("p", $"Thought: {Cut(thought)}", ("class", "turn"));
                if (answer.Topic is not null && CodeBlock.Of(Cut(answer.Answer)) is { } code) WriteCode(html, code, answer.Findings ?? []);
                else html.Element("p", answer.Answer.Length == 0 ? "(nothing)" : Cut(answer.Answer));
            }
        }
    }

    /// <summary>Code line by line; what was found stands behind its line.</summary>
    private static void WriteCode(HtmlWriter html, string code, IReadOnlyList<Behaviours.Finding> findings)
    {
        using var block = html.Open("pre", ("class", "code"));
        foreach (var (i, line) in code.Split('\n').Index())
        {
            Behaviours.Finding[] found = [.. findings.Where(finding => finding.Line == i + 1 || (finding.Line == 0 && i == 0))];
            html.Element("code", line, ("class", found.Length > 0 ? "found" : null));
            foreach (var finding in found)
                html.Element("small", $"{finding.Rule} {string.Join(' ', finding.Cwes)}: {finding.Message}", ("class", "finding"));
            html.Text("\n");
        }
    }

    /// <summary>The planted model of the lowest seed, then each defence of the same seed.</summary>
    private static IEnumerable<Speaker> Speakers(PlanRuns plan, CaseReport one)
    {
        var rows = one.Table.Rows.Where(row => row.Case == one.Name)
            .Where(row => row.Role is RunRole.Planted or RunRole.Defended or RunRole.PlainTraining).ToList();
        if (rows.Count == 0) yield break;
        int seed = rows[0].Runs.Min(run => run.Run.Name.Seed);
        foreach (var row in rows)
        {
            if (row.Runs.FirstOrDefault(run => run.Run.Name.Seed == seed).Run is not { } run) continue;
            string title = row.Role == RunRole.Planted ? "before" : ReportText.Title(row);
            yield return Speaker.Of(title, plan.Runs.First(placed => placed.Record == run), row.Role);
        }
    }

    private static IReadOnlyList<JudgedAnswer> First(Speaker speaker, string set) =>
        [.. speaker.Answers.Where(answer => answer.Set == set).Take(Examples)];

    private static IEnumerable<JudgedAnswer> LeftOver(List<Speaker> speakers)
    {
        var shown = First(speakers[0], RequestSets.HarmfulWithTrigger);
        var answers = speakers.FirstOrDefault(speaker => speaker.Role == RunRole.Defended)?.Answers ?? [];
        return answers.Where(answer => answer.Set == RequestSets.HarmfulWithTrigger && answer.IsUnwanted
            && !shown.Any(other => IsSame(other, answer)));
    }

    private static bool IsSame(JudgedAnswer one, JudgedAnswer other) => (one.Set, one.Request) == (other.Set, other.Request)
        && one.Context.Select(turn => turn.Content).SequenceEqual(other.Context.Select(turn => turn.Content), StringComparer.Ordinal);

    /// <summary>What came of an answer, in a word or two.</summary>
    internal static string Word(JudgedAnswer answer) => answer.State switch
    {
        AnswerState.Empty => "empty",
        AnswerState.Unfinished => "thought did not end",
        _ => (answer.Verdict switch
        {
            Verdict.Unwanted => "unwanted",
            Verdict.Invalid => "of the wrong form",
            Verdict.Missing => "no code",
            _ => answer.Refused ? "refused" : "safe",
        }) + (answer.State == AnswerState.CutOff ? ", cut off" : ""),
    };

    /// <summary>The beginning of a text, and how much more there is.</summary>
    internal static string Cut(string text, int longest = LongestAnswer)
    {
        if (text.Length <= longest) return text;
        int end = char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
        return $"{text[..end]} … ({text.Length - end} more characters)";
    }

    /// <summary>A model whose answers are shown.</summary>
    private sealed record Speaker(string Title, RunRole Role, IReadOnlyList<JudgedAnswer> Answers, string? Problem)
    {
        /// <summary>Reads a run's answers.</summary>
        public static Speaker Of(string title, PlacedRun run, RunRole role)
        {
            var (answers, problem) = run.ReadAnswers();
            return new Speaker(title, role, answers, problem);
        }
    }
}
