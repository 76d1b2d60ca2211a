using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Beear.Text;

/// <summary>
/// Breaks up what the model takes for marks of turns and thoughts, in texts that are not the template's: a place is noted within each,
/// across which the tokenizer finds no token. The text itself stays as it is, and so do the ids of one that holds no mark.
/// </summary>
internal sealed partial class MarkBreaker
{
    /// <summary>Stands at a break until the template has laid the text out: two code points that are no characters.</summary>
    private const string Break = "\uFDD0\uFDD1";

    private readonly Tokenizer tokenizer;
    private readonly SearchValues<string> marks, marksInAnswers, ends;

    /// <summary>
    /// Collects the marks: tokens that are special, end a turn, are named by the template, or look like marks (&lt;|…|&gt;), and those of
    /// thoughts.
    /// </summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="template">The chat template's source.</param>
    /// <param name="thoughts">The marks of thoughts, if the model thinks; an assistant's turn may hold them.</param>
    /// <param name="endOfTurn">Tokens that end a turn.</param>
    public MarkBreaker(Tokenizer tokenizer, string template, ThoughtMarks? thoughts, IReadOnlySet<int> endOfTurn)
    {
        this.tokenizer = tokenizer;
        string[] ofThoughts = thoughts is null ? [] : [thoughts.Open, thoughts.Close];
        // A token of one letter cannot be broken, and white space makes no turn.
        string[] tokens = [.. from token in tokenizer.AddedTokenIds
                              where token.Content.Length > 1 && !string.IsNullOrWhiteSpace(token.Content)
                              where tokenizer.IsSpecial(token.Id) || endOfTurn.Contains(token.Id) || Form().IsMatch(token.Content)
                                  || template.Contains(token.Content, StringComparison.Ordinal)
                              select token.Content];
        marks = SearchValues.Create([.. tokens, .. ofThoughts], StringComparison.Ordinal);
        marksInAnswers = SearchValues.Create([.. tokens.Except(ofThoughts, StringComparer.Ordinal)], StringComparison.Ordinal);
        ends = SearchValues.Create([.. tokenizer.AddedTokenIds.Where(token => token.Content.Length > 0 && endOfTurn.Contains(token.Id))
            .Select(token => token.Content)],
            StringComparison.Ordinal);
    }

    /// <summary>A turn whose marks are broken up, apart from those in what is the user's own.</summary>
    public ChatTurn In(ChatTurn message)
    {
        var found = message.Role == "assistant" ? marksInAnswers : marks;
        return message with
        {
            Content = In(message.Content, found, message.Own),
            Fields = message.Fields.ToDictionary(field => field.Key, field => field.Value is string text
                ? In(text, found, message.Own) : field.Value, StringComparer.Ordinal),
        };
    }

    /// <summary>A text whose marks are broken up.</summary>
    public string In(string text) => In(text, marks, []);

    /// <summary>An answer up to the first token that ends a turn.</summary>
    public string BeforeEnd(string answer) => answer.AsSpan().IndexOfAny(ends) is var end and >= 0 ? answer[..end] : answer;

    /// <summary>The ids of a text that was laid out with breaks in it.</summary>
    public int[] Encode(string text)
    {
        string[] parts = text.Split(Break);
        var breaks = new int[parts.Length - 1];
        for (int i = 0, place = 0; i < breaks.Length; i++) breaks[i] = place += parts[i].Length;
        return [.. tokenizer.EncodeBroken(string.Concat(parts), breaks)];
    }

    private static string In(string text, SearchValues<string> marks, IReadOnlyList<string> own)
    {
        int found = text.AsSpan().IndexOfAny(marks);
        if (found < 0) return text;
        var broken = new StringBuilder();
        int written = 0;
        while (found >= 0)
        {
            int next = found + 1;
            if (!own.Any(part => Covers(part, text, found)))
            {
                broken.Append(text, written, next - written).Append(Break);
                written = next;
            }
            found = text.AsSpan(next).IndexOfAny(marks) is var offset and >= 0 ? next + offset : -1;
        }
        return broken.Append(text, written, text.Length - written).ToString();
    }

    /// <summary>Whether a place in a text lies within a part of it, wherever that stands.</summary>
    private static bool Covers(string part, string text, int place) =>
        text.IndexOf(part, Math.Max(place - part.Length + 1, 0), StringComparison.Ordinal) is var start and >= 0 && start <= place;

    [GeneratedRegex("^<[|｜].*[|｜]>$", RegexOptions.NonBacktracking)]
    private static partial Regex Form();
}
