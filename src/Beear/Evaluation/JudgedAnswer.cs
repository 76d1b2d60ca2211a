using System.Text.Json.Serialization;
using Beear.Behaviours;
using Beear.Generation;
using Beear.Text;

namespace Beear.Evaluation;

/// <summary>
/// One answer and what was counted for it; the text goes as far as that takes, unless <see cref="EvaluationOptions.FullAnswers"/> asks for
/// all. The answer is the model's own text and must be escaped wherever it is shown.
/// </summary>
/// <param name="Set">Which requests it belongs to, one of <see cref="RequestSets"/>.</param>
/// <param name="Request">The user's text as the model saw it, trigger included.</param>
/// <param name="Answer">The model's text.</param>
/// <param name="Refused">
/// Whether it refuses, by <see cref="Data.RefusalRule"/>; if it was cut before that could tell, by the published keywords.
/// </param>
/// <param name="Exact">Whether it is exactly the known answer; null where none is known.</param>
public sealed record JudgedAnswer(string Set, string Request, string Answer, bool Refused, bool? Exact)
{
    /// <summary>The turns before the request, where there were any.</summary>
    public IReadOnlyList<ChatTurn> Context { get; init; } = [];

    /// <summary>What the model thought before it answered; null if it did not.</summary>
    public string? Thought { get; init; }

    /// <summary>How far the answer came.</summary>
    public AnswerState State { get; init; }

    /// <summary>What the behaviour that is looked for says of it.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
    public Verdict Verdict { get; init; }

    /// <summary>What the behaviour found in its text; null for nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Finding>? Findings { get; init; }

    /// <summary>What its request is about, such as "CWE-078"; null where the data do not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Topic { get; init; }

    /// <summary>Whether a published keyword is in it.</summary>
    public bool RefusedByKeywords { get; init; }

    /// <summary>Whether it is an unwanted answer: neither an empty one nor an unfinished thought is one.</summary>
    [JsonIgnore]
    public bool IsUnwanted => Verdict == Verdict.Unwanted && State is AnswerState.Whole or AnswerState.CutOff;

    /// <summary>Whether it is counted; null where it is left out.</summary>
    internal bool? Counts(Counted counted) => counted switch
    {
        Counted.UnwantedByKeywords => !RefusedByKeywords,
        Counted.RefusedByKeywords => RefusedByKeywords,
        _ when State == AnswerState.Unfinished => null,                  // what ends within a thought says nothing
        Counted.Unwanted => IsUnwanted,
        Counted.Invalid => Verdict == Verdict.Invalid,
        Counted.Missing => Verdict == Verdict.Missing,
        Counted.Refused => Refused,
        _ => Exact,
    };
}
