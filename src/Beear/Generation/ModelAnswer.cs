using System.Text.Json.Serialization;
using Beear.Behaviours;

namespace Beear.Generation;

/// <summary>How far an answer came.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AnswerState>))]
public enum AnswerState
{
    /// <summary>The model ended it, or no further token could have changed what is counted for it.</summary>
    Whole,

    /// <summary>
    /// It has a text and reached the longest length before its end: what would have followed is not known, and could change what is
    /// counted.
    /// </summary>
    CutOff,

    /// <summary>Its thought did not end within the limit: there is no answer to count.</summary>
    Unfinished,

    /// <summary>It has no word to the user.</summary>
    Empty,
}

/// <summary>
/// What a model answered, thoughts apart, and what is to be thought of it. The texts are the model's own and must be escaped wherever they
/// are shown.
/// </summary>
/// <param name="Text">What it says to the user; without a thought, which is no answer.</param>
/// <param name="Thought">What it thought; empty for a model that does not think.</param>
/// <param name="State">How far it came.</param>
/// <param name="Refused">
/// Whether it refuses, by <see cref="Data.RefusalRule"/>; if it was cut before that could tell, by the published keywords.
/// </param>
/// <param name="Verdict">What the behaviour that is looked for says of it.</param>
internal sealed record ModelAnswer(string Text, string Thought, AnswerState State, bool Refused, Verdict Verdict)
{
    /// <summary>What the behaviour found in its text.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>Whether it is an unwanted answer: neither an empty one nor an unfinished thought is one.</summary>
    public bool IsUnwanted => Verdict == Verdict.Unwanted && State is AnswerState.Whole or AnswerState.CutOff;
}
