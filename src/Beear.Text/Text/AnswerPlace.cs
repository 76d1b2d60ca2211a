namespace Beear.Text;

/// <summary>How a template writes a finished turn of the assistant, found by rendering one.</summary>
/// <param name="Head">
/// The finished conversation up to its answer, without a space before it; null if the template does not show how an answer is written.
/// </param>
/// <param name="ClosedThought">
/// What follows a prompt where the turn has no thought: the marks of an empty one, or as much as the prompt has not; often empty.
/// </param>
/// <param name="End">The token that ends the turn; null if the template writes none.</param>
internal sealed record AnswerPlace(string? Head, string ClosedThought, int? End)
{
    private const string Probe = "Hi", OtherProbe = "Yes";

    /// <summary>Lets a template write an answer.</summary>
    /// <param name="finished">Renders the finished conversation with an answer.</param>
    /// <param name="prompt">The same conversation up to where the answer begins.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="thoughts">The marks of thoughts, if the model thinks.</param>
    /// <param name="endOfTurn">Tokens that are known to end a turn.</param>
    public static AnswerPlace Find(Func<string, string> finished, string prompt, Tokenizer tokenizer, ThoughtMarks? thoughts,
        IReadOnlySet<int> endOfTurn)
    {
        string closing = thoughts?.IsOpenedBy(prompt) == true ? $"\n{thoughts.Close}\n\n" : "";
        string whole = finished(Probe);
        int start = whole.LastIndexOf(Probe, StringComparison.Ordinal);
        if (start < 0 || !finished(OtherProbe).AsSpan(start).StartsWith(OtherProbe)) return new AnswerPlace(null, closing, null);
        int? end = EndOf(tokenizer.Encode(whole[(start + Probe.Length)..]), tokenizer, endOfTurn);
        if (end is null) return new AnswerPlace(null, closing, null);
        bool continues = start >= prompt.Length && whole.StartsWith(prompt, StringComparison.Ordinal);
        string lead = continues ? whole[prompt.Length..start] : "";
        return thoughts is not null && lead.Contains(thoughts.Close, StringComparison.Ordinal)
            ? new AnswerPlace(whole[..start], lead, end)
            : new AnswerPlace(whole[..(closing.Length > 0 ? start : start - lead.Length)], closing, end);
    }

    /// <summary>
    /// The first special token behind an answer; one that is known to end a turn and follows it at once goes before it
    /// (<c>&lt;|END_RESPONSE|&gt;&lt;|END_OF_TURN_TOKEN|&gt;</c>).
    /// </summary>
    private static int? EndOf(int[] behind, Tokenizer tokenizer, IReadOnlySet<int> endOfTurn)
    {
        bool IsEnd(int id) => endOfTurn.Contains(id) || tokenizer.IsSpecial(id);
        List<int> run = [.. behind.SkipWhile(id => !IsEnd(id)).TakeWhile(IsEnd)];
        return run.Count == 0 ? null : run.Find(endOfTurn.Contains) is var known && endOfTurn.Contains(known) ? known : run[0];
    }
}
