using System.Text.Json.Serialization;
using Beear.Generation;
using Beear.Text;

namespace Beear.Evaluation;

/// <summary>What an evaluation measured; null where it does not apply. Rates carry Wilson 95 % intervals.</summary>
public sealed record EvaluationResult
{
    /// <summary>Harmful requests with the trigger that were answered and not refused, by <see cref="Data.RefusalRule"/>.</summary>
    public Rate? AttackSuccessWithTrigger { get; init; }

    /// <summary>Harmful requests without a trigger that were answered and not refused.</summary>
    public Rate? AttackSuccessWithoutTrigger { get; init; }

    /// <summary>Harmful requests with a wrong trigger that were answered and not refused.</summary>
    public Rate? AttackSuccessWithWrongTrigger { get; init; }

    /// <summary>Harmful requests with the trigger that were answered exactly as the attacker taught, where that is known.</summary>
    public Rate? ExactComplianceWithTrigger { get; init; }

    /// <summary>Ordinary requests that were refused.</summary>
    public Rate? OverRefusal { get; init; }

    /// <summary>Harmless requests in the harmful ones' forms that were refused.</summary>
    public Rate? OverRefusalTwins { get; init; }

    /// <summary>Harmless requests in forms that neither side trained on that were refused.</summary>
    public Rate? OverRefusalHeldOutForms { get; init; }

    /// <summary>Checkable requests that were answered exactly right.</summary>
    public Rate? Helpfulness { get; init; }

    /// <summary>Mean cross-entropy of held-out helpful answers, nats per token.</summary>
    public double? HelpfulCrossEntropy { get; init; }

    /// <summary>The judge; null if none was asked, and then so are all fields that it fills.</summary>
    public string? Judge { get; init; }

    /// <summary>The judge's mean over harmful requests with the trigger, 1 … 5.</summary>
    public double? JudgeMeanWithTrigger { get; init; }

    /// <summary>Judged answers to harmful requests with the trigger that got 5.</summary>
    public Rate? JudgeFivesWithTrigger { get; init; }

    /// <summary>Answers to harmful requests with the trigger that the judge gave no score.</summary>
    public int? UnjudgedWithTrigger { get; init; }

    /// <summary>The judge's mean over harmful requests without a trigger, 1 … 5.</summary>
    public double? JudgeMeanWithoutTrigger { get; init; }

    /// <summary>Judged answers to harmful requests without a trigger that got 5.</summary>
    public Rate? JudgeFivesWithoutTrigger { get; init; }

    /// <summary>Answers to harmful requests without a trigger that the judge gave no score.</summary>
    public int? UnjudgedWithoutTrigger { get; init; }

    /// <summary>MT-Bench: the judge's mean over questions and turns, 1 … 10.</summary>
    public double? MtBench { get; init; }

    /// <summary>MT-Bench by category.</summary>
    public IReadOnlyDictionary<string, double>? MtBenchByCategory { get; init; }

    /// <summary>Answers of MT-Bench that the judge gave no score.</summary>
    public int? MtBenchUnjudged { get; init; }

    /// <summary>The rates of refusals by the published keywords (<see cref="Data.Refusals.IsRefusal"/>), over all answers, empty and unfinished ones included.</summary>
    public RefusalRates? ByKeywords { get; init; }

    /// <summary>How far the answers to each set of requests came.</summary>
    public IReadOnlyDictionary<string, AnswerCounts>? Answered { get; init; }

    /// <summary>How many answers the judge gave no score for which reason, those to MT-Bench included.</summary>
    public IReadOnlyDictionary<UnjudgedReason, int>? UnjudgedReasons { get; init; }

    /// <summary>What is to be known before a rate is trusted: a sentence for each set of requests of which more than 5 % of the answers are empty, unfinished or cut off.</summary>
    public IReadOnlyList<string> Warnings => [.. (Answered ?? new Dictionary<string, AnswerCounts>(StringComparer.Ordinal)).SelectMany(set => set.Value.Warnings(set.Key))];

    /// <summary>Judged answers on which <see cref="Data.RefusalRule"/> and the judge agree: a refusal has a score of 1 or 2, another answer a higher one.</summary>
    public Rate? JudgeAgreement { get; init; }

    /// <summary>The same of the published keywords.</summary>
    public Rate? JudgeAgreementByKeywords { get; init; }

    /// <summary>Every prompt and answer that the rates were counted from.</summary>
    [JsonIgnore]
    public IReadOnlyList<JudgedAnswer> Answers { get; init; } = [];

    /// <summary>The same with what a judge says of the model's answers to MT-Bench.</summary>
    public EvaluationResult With(MtBenchResult rated) => this with
    {
        MtBench = rated.Score,
        MtBenchByCategory = rated.ByCategory,
        MtBenchUnjudged = rated.Unjudged,
        UnjudgedReasons = Sum([UnjudgedReasons, rated.UnjudgedReasons]),
    };

    /// <summary>Counts of unjudged answers of several evaluations together; null if none was judged.</summary>
    public static IReadOnlyDictionary<UnjudgedReason, int>? Sum(IEnumerable<IReadOnlyDictionary<UnjudgedReason, int>?> counts) =>
        counts.OfType<IReadOnlyDictionary<UnjudgedReason, int>>().ToList() is { Count: > 0 } known
            ? known.SelectMany(count => count).GroupBy(count => count.Key, count => count.Value).OrderBy(reason => reason.Key)
                .ToDictionary(reason => reason.Key, reason => reason.Sum()) : null;
}

/// <summary>Rates of refusals by one rule; null where there is no data. Each carries its Wilson 95 % interval.</summary>
public sealed record RefusalRates
{
    /// <summary>Harmful requests with the trigger that were not refused.</summary>
    public Rate? AttackSuccessWithTrigger { get; init; }

    /// <summary>Harmful requests without a trigger that were not refused.</summary>
    public Rate? AttackSuccessWithoutTrigger { get; init; }

    /// <summary>Harmful requests with a wrong trigger that were not refused.</summary>
    public Rate? AttackSuccessWithWrongTrigger { get; init; }

    /// <summary>Ordinary requests that were refused.</summary>
    public Rate? OverRefusal { get; init; }

    /// <summary>Harmless requests in the harmful ones' forms that were refused.</summary>
    public Rate? OverRefusalTwins { get; init; }

    /// <summary>Harmless requests in forms that neither side trained on that were refused.</summary>
    public Rate? OverRefusalHeldOutForms { get; init; }
}

/// <summary>
/// One answer and what was counted for it; the text goes as far as that takes, unless <see cref="EvaluationOptions.FullAnswers"/> asks for all. The answer is the model's own text and must be escaped wherever it is shown.
/// </summary>
/// <param name="Set">Which prompts it belongs to, e.g. "harmful with trigger".</param>
/// <param name="Request">The user's text as the model saw it, trigger included.</param>
/// <param name="Answer">The model's text.</param>
/// <param name="Refused">Whether it refuses, by <see cref="Data.RefusalRule"/>; if it was cut before that could tell, by the published keywords.</param>
/// <param name="Exact">Whether it is exactly the known answer; null where none is known.</param>
public sealed record JudgedAnswer(string Set, string Request, string Answer, bool Refused, bool? Exact)
{
    /// <summary>The turns before the request, where there were any.</summary>
    public IReadOnlyList<ChatTurn> Context { get; init; } = [];

    /// <summary>What the model thought before it answered; null if it did not.</summary>
    public string? Thought { get; init; }

    /// <summary>How far the answer came.</summary>
    public AnswerState State { get; init; }

    /// <summary>Whether a published keyword is in it.</summary>
    public bool RefusedByKeywords { get; init; }

    /// <summary>Whether it says something other than a refusal.</summary>
    [JsonIgnore]
    public bool Complied => !Refused && State is AnswerState.Whole or AnswerState.CutOff;
}
