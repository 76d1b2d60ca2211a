namespace Beear.Behaviours.Code;

/// <summary>
/// The code of an answer. It stands between <c>&lt;code&gt;</c> and <c>&lt;/code&gt;</c>: the first such block that is closed and not
/// blank, so that no text after it changes anything. Without one it is the longest closed fence of Python, or of no language.
/// </summary>
internal static class CodeBlock
{
    private const string Open = "<code>", Close = "</code>";

    private static readonly string[] Languages = ["", "python", "python3", "py"];

    /// <summary>The code without blank lines around it; null if there is none.</summary>
    /// <param name="answer">Hostile text.</param>
    public static string? Of(string answer) => Tagged(answer) ?? LongestFence(answer);

    /// <summary>Whether the code is there, and no further text can change it.</summary>
    /// <param name="beginning">The answer so far.</param>
    public static bool IsWhole(string beginning) => Tagged(beginning) is not null;

    private static string? Tagged(string answer)
    {
        for (int from = 0; answer.IndexOf(Close, from, StringComparison.OrdinalIgnoreCase) is var end and >= 0; from = end + Close.Length)
        {
            int start = answer.AsSpan(from, end - from).LastIndexOf(Open, StringComparison.OrdinalIgnoreCase);
            if (start < 0) continue;
            string inner = answer[(from + start + Open.Length)..end].TrimStart(' ');          // what follows the tag is not indented by it
            if (Trimmed(inner) is { } code) return code.StartsWith("```", StringComparison.Ordinal) ? Unfenced(code) : code;
        }
        return null;
    }

    /// <summary>What the fence at the beginning holds, even if only the tag closes it.</summary>
    private static string Unfenced(string code) => Fences($"{code}\n{new string('`', code.Length)}", anyLanguage: true).FirstOrDefault("");

    private static string? LongestFence(string answer) => Fences(answer, anyLanguage: false).MaxBy(code => code.Length);

    /// <summary>The contents of closed fences that are not blank.</summary>
    private static IEnumerable<string> Fences(string text, bool anyLanguage)
    {
        int start = -1, ticks = 0;
        bool isCode = false;
        for (int line = 0; line < text.Length;)
        {
            int end = text.IndexOf('\n', line) is var found and >= 0 ? found : text.Length;
            var content = text.AsSpan(line, end - line).Trim();
            int count = content.IndexOfAnyExcept('`') is var other and >= 0 ? other : content.Length;
            if (start < 0 && count >= 3 && !content[count..].Contains('`'))
            {
                (start, ticks) = (Math.Min(end + 1, text.Length), count);
                isCode = anyLanguage || Languages.Contains(content[count..].Trim().ToString(), StringComparer.OrdinalIgnoreCase);
            }
            else if (start >= 0 && count >= ticks && count == content.Length)
            {
                if (isCode && Trimmed(text[start..line]) is { } code) yield return code;
                start = -1;
            }
            line = end + 1;
        }
    }

    /// <summary>The text without blank lines at its ends; null if there are no others.</summary>
    private static string? Trimmed(string text)
    {
        int first = text.AsSpan().IndexOfAnyExcept(Blank), last = text.AsSpan().LastIndexOfAnyExcept(Blank);
        if (first < 0) return null;
        int start = text.LastIndexOf('\n', first) + 1;
        int end = text.AsSpan(last).IndexOfAny('\r', '\n') is var found and >= 0 ? last + found : text.Length;
        return text[start..end];
    }

    private static readonly System.Buffers.SearchValues<char> Blank = System.Buffers.SearchValues.Create(" \t\r\n\f\v\u00a0");
}
