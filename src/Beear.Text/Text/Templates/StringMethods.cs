using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's methods of strings.</summary>
internal static class StringMethods
{
    private delegate object? Method(string text, Arguments arguments, RenderState state);

    private static readonly Dictionary<string, Method> s_methods = new(StringComparer.Ordinal)
    {
        ["strip"] = (text, arguments, state) => PythonText.Strip(text, Characters(text, arguments, state)),
        ["lstrip"] = (text, arguments, state) => PythonText.StripStart(text, Characters(text, arguments, state)),
        ["rstrip"] = (text, arguments, state) => PythonText.StripEnd(text, Characters(text, arguments, state)),
        ["split"] = (text, arguments, state) => StringSplits.Split(text, arguments, state, fromEnd: false),
        ["rsplit"] = (text, arguments, state) => StringSplits.Split(text, arguments, state, fromEnd: true),
        ["splitlines"] = (text, arguments, state) => StringSplits.Lines(text, arguments.Flag(0, "keepends"), state),
        ["partition"] = (text, arguments, state) => StringSplits.Partition(text, arguments, state, fromEnd: false),
        ["rpartition"] = (text, arguments, state) => StringSplits.Partition(text, arguments, state, fromEnd: true),
        ["startswith"] = (text, arguments, state) =>
            Within(text, arguments) is { } part
                && Options(arguments, state).Exists(option => part.StartsWith(option, StringComparison.Ordinal)),
        ["endswith"] = (text, arguments, state) =>
            Within(text, arguments) is { } part
                && Options(arguments, state).Exists(option => part.EndsWith(option, StringComparison.Ordinal)),
        ["removeprefix"] = (text, arguments, _) =>
            arguments.RequireText(0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal)
                ? text[prefix.Length..] : text,
        ["removesuffix"] = (text, arguments, _) =>
            arguments.RequireText(0, "suffix") is var suffix && text.EndsWith(suffix, StringComparison.Ordinal)
                ? text[..^suffix.Length] : text,
        ["upper"] = (text, _, _) => TextCase.Upper(text),
        ["lower"] = (text, _, _) => TextCase.Lower(text),
        ["casefold"] = (text, _, _) => TextCase.Lower(text).Replace("ß", "ss", StringComparison.Ordinal),
        ["title"] = (text, _, state) => TextCase.Title(text, state),
        ["capitalize"] = (text, _, _) => TextCase.Capitalize(text),
        ["swapcase"] = (text, _, state) => TextCase.Swap(text, state),
        ["replace"] = (text, arguments, state) =>
            Replace(text, arguments.RequireText(0, "old"), arguments.RequireText(1, "new"), arguments.Integer(2, "count", -1), state),
        ["join"] = (text, arguments, state) => Join(text, Values.Iterate(arguments.Require(0, "iterable"), state)
            .ConvertAll(item => Values.ToText(item, "every item that is joined")), state),
        ["format"] = FormatMethod.Format,
        ["format_map"] = (text, arguments, state) => arguments.Require(0, "mapping") is Mapping mapping
            ? FormatMethod.FormatMap(text, mapping, state) : throw new TemplateException("'format_map' needs a mapping"),
        ["find"] = (text, arguments, state) => Find(text, arguments, state, last: false),
        ["rfind"] = (text, arguments, state) => Find(text, arguments, state, last: true),
        ["index"] = (text, arguments, state) => Found(Find(text, arguments, state, last: false)),
        ["rindex"] = (text, arguments, state) => Found(Find(text, arguments, state, last: true)),
        ["count"] = (text, arguments, state) =>
            Within(text, arguments) is { } part ? Count(part, arguments.RequireText(0, "sub"), state) : 0L,
        ["center"] = (text, arguments, state) => Center(text, arguments, state),
        ["ljust"] = (text, arguments, state) => Pad(text, arguments, state, '<'),
        ["rjust"] = (text, arguments, state) => Pad(text, arguments, state, '>'),
        ["zfill"] = (text, arguments, state) => FillZeros(text, Values.ToInteger(arguments.Require(0, "width")), state),
        ["expandtabs"] = (text, arguments, state) => ExpandTabs(text, arguments.Integer(0, "tabsize", 8), state),
        ["isdigit"] = (text, _, _) => PythonText.All(text, PythonText.IsDigit),
        ["isdecimal"] = (text, _, _) => PythonText.All(text, PythonText.IsDecimal),
        ["isnumeric"] = (text, _, _) => PythonText.All(text, PythonText.IsNumeric),
        ["isalpha"] = (text, _, _) => PythonText.All(text, PythonText.IsAlphabetic),
        ["isalnum"] = (text, _, _) => PythonText.All(text, PythonText.IsAlphanumeric),
        ["isascii"] = (text, _, _) => Ascii.IsValid(text),
        ["isspace"] = (text, _, _) => text.Length > 0 && text.All(PythonText.IsSpace),
        ["isprintable"] = (text, _, _) => text.Length == 0 || PythonText.All(text, PythonText.IsPrintable),
        ["isupper"] = (text, _, _) => TextCase.IsUpper(text),
        ["islower"] = (text, _, _) => TextCase.IsLower(text),
        ["istitle"] = (text, _, _) => TextCase.IsTitle(text),
        ["encode"] = (_, _, _) => throw new TemplateException("'encode' makes bytes, which chat templates here do not have"),
        ["translate"] = (_, _, _) => throw new TemplateException("'translate' is not supported; use 'replace'"),
    };

    /// <summary>The method of a string, ready to be called, or null if there is none of that name.</summary>
    public static Callable? Find(string text, string name)
    {
        if (!s_methods.TryGetValue(name, out var method)) return null;
        return new Callable(name, (arguments, state) =>
        {
            state.Charge(2L * text.Length);
            return method(text, arguments, state);
        });
    }

    /// <summary>Replaces at most <paramref name="count"/> occurrences, all if it is negative.</summary>
    public static string Replace(string text, string old, string replacement, long count, RenderState state)
    {
        if (count == 0) return text;
        var found = Count(text, old, state);
        var replaced = count < 0 ? found : Math.Min(count, found);
        state.Charge(text.Length + replaced * Math.Max(0, replacement.Length - old.Length));
        if (old.Length == 0) return InsertBetween(text, replacement, replaced);
        if (replaced == found) return text.Replace(old, replacement, StringComparison.Ordinal);
        return string.Join(replacement, text.Split(old, (int)replaced + 1));
    }

    /// <summary>Joins texts.</summary>
    public static string Join(string separator, List<string> texts, RenderState state)
    {
        state.Charge(texts.Sum(text => (long)text.Length) + (long)separator.Length * texts.Count);
        return string.Join(separator, texts);
    }

    public static string Center(string text, Arguments arguments, RenderState state, long fallback = 0)
    {
        var (width, fill) = (arguments.Integer(0, "width", fallback), Fill(arguments));
        state.Charge(Math.Max(0, width));
        var missing = (int)Math.Max(0, width - PythonText.Length(text));
        // Python puts the odd blank before the text if the width is odd.
        var before = missing / 2 + (missing & (int)width & 1);
        return Repeat(fill, before) + text + Repeat(fill, missing - before);
    }

    private static string Pad(string text, Arguments arguments, RenderState state, char align)
    {
        var width = Values.ToInteger(arguments.Require(0, "width"));
        state.Charge(Math.Max(0, width));
        return new FormatSpec { Fill = Fill(arguments), Width = (int)Math.Max(0, width) }.Pad("", text, align);
    }

    private static string Fill(Arguments arguments) => arguments.Get(1, "fillchar", " ") is string fill && PythonText.Length(fill) == 1
        ? fill : throw new TemplateException("what fills has to be one character");

    private static string Repeat(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();

    private static string FillZeros(string text, long width, RenderState state)
    {
        state.Charge(Math.Max(0, width));
        var missing = (int)Math.Max(0, width - PythonText.Length(text));
        return text is ['+' or '-', ..] ? text[0] + new string('0', missing) + text[1..] : new string('0', missing) + text;
    }

    private static string ExpandTabs(string text, long size, RenderState state)
    {
        var (result, column) = (new StringBuilder(), 0L);
        foreach (var character in text)
        {
            if (character == '\t')
            {
                var width = size > 0 ? size - column % size : 0;
                state.Charge(width);
                state.Append(result, new string(' ', (int)width));
                column += width;
            }
            else
            {
                result.Append(character);
                column = character is '\n' or '\r' ? 0 : column + 1;
            }
        }
        return result.ToString();
    }

    private static string InsertBetween(string text, string inserted, long count)
    {
        var characters = PythonText.Characters(text).ConvertAll(character => (string)character!);
        return string.Concat(characters.Select((character, i) => i < count ? inserted + character : character))
            + (count > characters.Count ? inserted : "");
    }

    /// <summary>The characters to strip, or null for white space.</summary>
    public static string? Characters(string text, Arguments arguments, RenderState state)
    {
        if (arguments.Get(0, "chars") is null) return null;
        var characters = arguments.RequireText(0, "chars");
        state.Charge(text.Length * (1L + characters.Length / 16));
        return characters;
    }

    private static List<string> Options(Arguments arguments, RenderState state)
    {
        if (arguments.Require(0, "prefix") is not TupleValue options) return [arguments.RequireText(0, "prefix")];
        state.ChargeItems(options.Count);
        return options.ConvertAll(option => Values.ToText(option, "every beginning or ending that is sought"));
    }

    public static long Count(string text, string pattern, RenderState state)
    {
        if (pattern.Length == 0) return PythonText.Length(text) + 1L;
        state.ChargeSearch(text, pattern);
        var count = 0L;
        for (var at = text.IndexOf(pattern, StringComparison.Ordinal); at >= 0; at =
            text.IndexOf(pattern, at + pattern.Length, StringComparison.Ordinal)) count++;
        return count;
    }

    /// <summary>The part of the text between the second and third argument; null if it begins after the text's end.</summary>
    private static string? Within(string text, Arguments arguments)
    {
        if (arguments.Positional.Count < 2) return text;
        var (from, to) = Bounds(text, arguments);
        return from > PythonText.Length(text) ? null : PythonText.Slice(text, (int)from, (int)Math.Max(from, to));
    }

    private static (long From, long To) Bounds(string text, Arguments arguments)
    {
        var length = PythonText.Length(text);
        long Bound(int index, long missing) => arguments.Get(index, "") is { } bound
            ? Values.ToInteger(bound) is var at && at < 0 ? Math.Max(0, at + length) : at : missing;
        return (Bound(1, 0), Math.Min(length, Bound(2, length)));
    }

    private static long Find(string text, Arguments arguments, RenderState state, bool last)
    {
        var pattern = arguments.RequireText(0, "sub");
        state.ChargeSearch(text, pattern);
        if (Within(text, arguments) is not { } part) return -1;
        var at = last ? part.LastIndexOf(pattern, StringComparison.Ordinal) : part.IndexOf(pattern, StringComparison.Ordinal);
        return at < 0 ? -1 : PythonText.Length(part[..at]) + Bounds(text, arguments).From;
    }

    private static long Found(long at) => at >= 0 ? at : throw new TemplateException("the text that is sought is not in the string");
}
