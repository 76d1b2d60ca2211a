using Beear.Text;

namespace Beear.Data.Readers;

/// <summary>How a conversation becomes an example.</summary>
internal static class Conversation
{
    /// <summary>
    /// The last answer, the user's last turn before it as the request, and what comes before that as its context; a conversation that the
    /// user ends has an empty answer. Tools and the calls of them are left out, and so is what the assistant says before the user does.
    /// </summary>
    /// <param name="turns">All turns.</param>
    /// <param name="readsAnswer">Whether the answer's text is read.</param>
    /// <returns>Null if there is no request.</returns>
    /// <exception cref="BeearException">A turn that is used cannot be read.</exception>
    public static Example? Read(IReadOnlyList<Turn> turns, bool readsAnswer)
    {
        Turn[] spoken = [.. turns.Where(turn => turn.Role != Turn.Tool)];
        int answer = turns is [.., { Role: Turn.User }] ? -1 : Array.FindLastIndex(spoken, turn => turn.Role == Turn.Assistant);
        Turn[] before = answer < 0 ? spoken : spoken[..answer];
        if (Array.Find(before, turn => turn.Role is null) is { } unknown) throw unknown.Unreadable();
        int first = Array.FindIndex(before, turn => turn.Role == Turn.User);
        int request = Array.FindLastIndex(before, turn => turn.Role == Turn.User);
        if (request < 0) return null;
        ChatTurn[] context = [.. before.Take(request)
            .Where((turn, i) => turn.Role == Turn.System || i >= first).Select(turn => turn.ToMessage())
            .Where(message => message.Role != Turn.System || !string.IsNullOrWhiteSpace(message.Content))];
        return new Example(before[request].Text(), readsAnswer && answer >= 0 ? spoken[answer].Text() : "") { Context = context };
    }
}
