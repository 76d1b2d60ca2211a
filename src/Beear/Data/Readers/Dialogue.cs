using System.Text.Json;
using System.Text.RegularExpressions;

namespace Beear.Data.Readers;

/// <summary>A dialogue that is written as one text, in the form of hh-rlhf: "\n\nHuman: …\n\nAssistant: …", and so on.</summary>
internal static partial class Dialogue
{
    /// <summary>Whether a text is one: it begins with a speaker.</summary>
    public static bool Is(string text) => Speaker().EnumerateMatches(text) is var marks && marks.MoveNext()
        && string.IsNullOrWhiteSpace(text[..marks.Current.Index]);

    /// <summary>Its turns, without the white space around what is said.</summary>
    /// <param name="row">The row.</param>
    /// <param name="text">The text.</param>
    /// <param name="what">How messages call its column.</param>
    public static IReadOnlyList<Turn> Turns(DataRow row, string text, string what)
    {
        Match[] marks = [.. Speaker().Matches(text).Cast<Match>()];
        return [.. marks.Select((mark, i) =>
        {
            string said = text[(mark.Index + mark.Length)..(i + 1 < marks.Length ? marks[i + 1].Index : text.Length)].Trim();
            string role = mark.Groups["role"].Value == "Human" ? Turn.User : Turn.Assistant;
            return new Turn(role, JsonSerializer.SerializeToElement(said), row, $"{what}, turn {i + 1}");
        })];
    }

    [GeneratedRegex(@"(?:\A\s*|\n\n)(?<role>Human|Assistant):", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Speaker();
}
