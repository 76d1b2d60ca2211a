using Beear.Text;

namespace Beear.Data;

/// <summary>Two answers to one conversation, of which people prefer one.</summary>
/// <param name="Context">The conversation up to the user's last turn, which is its last; where it was read stands in that turn.</param>
/// <param name="Chosen">The answer that is preferred.</param>
/// <param name="Rejected">The other one.</param>
internal sealed record PreferencePair(IReadOnlyList<ChatTurn> Context, string Chosen, string Rejected)
{
    /// <summary>A conversation with its preferred answer, and another answer to it.</summary>
    /// <param name="chosen">Conversation and preferred answer.</param>
    /// <param name="rejected">The other answer.</param>
    public static PreferencePair Of(Example chosen, string rejected) => new(chosen.Conversation, chosen.Answer, rejected);

    /// <summary>The conversation with the preferred answer, as supervised fine-tuning takes it.</summary>
    public Example ChosenExample => Answered(Chosen);

    /// <summary>The conversation with the other answer.</summary>
    public Example RejectedExample => Answered(Rejected);

    /// <summary>The user's last turn.</summary>
    public string Request => Context[^1].Content;

    private Example Answered(string answer) => new(Request, answer)
    {
        Context = [.. Context.SkipLast(1)],
        Own = (Context[^1].Own.ElementAtOrDefault(0), Context[^1].Own.ElementAtOrDefault(1)),
        Origin = new Origin(Context[^1].Origin),
    };
}
