using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's view of text: its whitespace, its characters (code points), and how it prints values.</summary>
internal static class PythonText
{
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    public static string StripStart(string text, string? characters = null)
    {
        var start = 0;
        while (start < text.Length && IsStripped(text[start], characters)) start++;
        return text[start..];
    }

    public static string StripEnd(string text, string? characters = null)
    {
        var end = text.Length;
        while (end > 0 && IsStripped(text[end - 1], characters)) end--;
        return text[..end];
    }

    public static string Strip(string text, string? characters = null) => StripStart(StripEnd(text, characters), characters);

    /// <summary>The number of code points.</summary>
    public static int Length(string text)
    {
        var length = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i])) length--;
        }
        return length;
    }

    /// <summary>The code points, each as a string.</summary>
    public static List<object?> Characters(string text)
    {
        var characters = new List<object?>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            characters.Add(isPair ? text.Substring(i++, 2) : text[i].ToString());
        }
        return characters;
    }

    public static string Capitalize(string text) =>
        text.Length == 0 ? text : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    /// <summary>Upper case for each character that starts a word, as <paramref name="startsWord"/> sees from the character before it.</summary>
    public static string Title(string text, Func<char, bool> startsWord)
    {
        var result = new StringBuilder(text.Length);
        var previous = ' ';
        foreach (var character in text)
        {
            result.Append(startsWord(previous) ? char.ToUpperInvariant(character) : char.ToLowerInvariant(character));
            previous = character;
        }
        return result.ToString();
    }

    /// <summary>Lines without their ends, as <c>str.splitlines</c>.</summary>
    public static List<string> Lines(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n').ToList();
        if (lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    /// <summary>What <c>str(value)</c> gives; undefined is empty.</summary>
    public static string Str(object? value, RenderState state)
    {
        if (value is string text) return text;
        var result = new StringBuilder();
        AppendRepr(result, value, state);
        return result.ToString();
    }

    public static string Number(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        var size = Math.Abs(value);
        if (size != 0 && size is < 1e-4 or >= 1e16)
        {
            var parts = value.ToString("E16", CultureInfo.InvariantCulture).Split('E');
            var shortest = value.ToString("R", CultureInfo.InvariantCulture);
            if (shortest.Contains('E', StringComparison.Ordinal)) parts = shortest.Split('E');
            else parts[0] = parts[0].TrimEnd('0').TrimEnd('.');
            var exponent = int.Parse(parts[1], CultureInfo.InvariantCulture);
            return $"{parts[0]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        var plain = value.ToString("0.###################", CultureInfo.InvariantCulture);
        var exact = value.ToString("R", CultureInfo.InvariantCulture);
        if (!exact.Contains('E', StringComparison.Ordinal)) plain = exact;
        return plain.Contains('.', StringComparison.Ordinal) ? plain : plain + ".0";
    }

    private static bool IsStripped(char character, string? characters) =>
        characters is null ? IsSpace(character) : characters.Contains(character, StringComparison.Ordinal);

    private static void AppendRepr(StringBuilder output, object? value, RenderState state)
    {
        state.Enter();
        switch (value)
        {
            case null: output.Append("None"); break;
            case Undefined: break;
            case bool flag: output.Append(flag ? "True" : "False"); break;
            case long number: output.Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: output.Append(Number(number)); break;
            case string text: AppendQuoted(output, text, state); break;
            case List<object?> list:
                output.Append(list is TupleValue ? '(' : '[');
                AppendSeparated(output, list, (item) => AppendRepr(output, item, state));
                output.Append(list is not TupleValue ? "]" : list.Count == 1 ? ",)" : ")");
                break;
            case Dictionary<string, object?> dictionary:
                output.Append('{');
                AppendSeparated(output, dictionary, (pair) =>
                {
                    AppendQuoted(output, pair.Key, state);
                    output.Append(": ");
                    AppendRepr(output, pair.Value, state);
                });
                output.Append('}');
                break;
            case Callable callable: output.Append($"<function {callable.Name}>"); break;
            case NamespaceValue: output.Append("<Namespace>"); break;
            default: output.Append("<LoopContext>"); break;
        }
        state.Leave();
    }

    private static void AppendSeparated<T>(StringBuilder output, IReadOnlyCollection<T> items, Action<T> append)
    {
        var first = true;
        foreach (var item in items)
        {
            if (!first) output.Append(", ");
            first = false;
            append(item);
        }
    }

    private static void AppendQuoted(StringBuilder output, string text, RenderState state)
    {
        state.Charge(text.Length);
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        foreach (var character in text)
        {
            if (character == quote || character == '\\') output.Append('\\').Append(character);
            else if (character == '\n') output.Append("\\n");
            else if (character == '\r') output.Append("\\r");
            else if (character == '\t') output.Append("\\t");
            else if (character is < ' ' or '\x7f' or (>= '\x80' and <= '\xa0') or '\xad') output.Append($"\\x{(int)character:x2}");
            else output.Append(character);
        }
        output.Append(quote);
    }
}
