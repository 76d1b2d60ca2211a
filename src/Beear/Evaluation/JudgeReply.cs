using Beear.Text;
using Microsoft.Extensions.AI;

namespace Beear.Evaluation;

/// <summary>What a judge's reply comes to.</summary>
/// <param name="Score">The score; null if there is none.</param>
/// <param name="Unjudged">Why there is none; null where there is one.</param>
/// <param name="Detail">What a server said of that; null where it said nothing.</param>
internal readonly record struct JudgeReply(int? Score, UnjudgedReason? Unjudged, string? Detail)
{
    /// <summary>Reads a reply. What stands in a thought counts for nothing.</summary>
    /// <param name="response">The reply; an <see cref="ErrorContent"/> in it says why there is none.</param>
    /// <param name="highest">The highest score.</param>
    public static JudgeReply Read(ChatResponse response, int highest)
    {
        var parts = ThoughtMarks.SplitKnown(response.Text);
        string? error = response.Messages.SelectMany(message => message.Contents).OfType<ErrorContent>().FirstOrDefault()?.Message;
        var score = ScoreLine.Find(parts.Answer, highest);
        var reason = WhyNot(response.FinishReason, parts, error is not null, score);
        return new JudgeReply(reason is null ? score : null, reason, error);
    }

    private static UnjudgedReason? WhyNot(ChatFinishReason? end, AnswerParts parts, bool isError, int? score)
    {
        bool isEmpty = string.IsNullOrWhiteSpace(parts.Answer);
        if (end == ChatFinishReason.ContentFilter) return UnjudgedReason.Filtered;
        if (isError) return end == ChatFinishReason.Length ? UnjudgedReason.NoRoom : UnjudgedReason.Failed;
        // A server may keep thoughts to itself: what was cut before it began was one.
        if (parts.IsThoughtOpen || (isEmpty && end == ChatFinishReason.Length)) return UnjudgedReason.OpenThought;
        // What was cut may end in the midst of a number, or of words that weigh several.
        if (end == ChatFinishReason.Length) return UnjudgedReason.Cut;
        return isEmpty ? UnjudgedReason.Empty : score is null ? UnjudgedReason.NoScore : null;
    }
}
