namespace Beear.Text.Templates;

/// <summary>Python's methods of strings.</summary>
internal static class StringMethods
{
    private delegate object? Method(string text, Arguments arguments, RenderState state);

    private static readonly Dictionary<string, Method> s_methods = new(StringComparer.Ordinal)
    {
        ["strip"] = (text, arguments, _) => PythonText.Strip(text, Characters(arguments)),
        ["lstrip"] = (text, arguments, _) => PythonText.StripStart(text, Characters(arguments)),
        ["rstrip"] = (text, arguments, _) => PythonText.StripEnd(text, Characters(arguments)),
        ["split"] = (text, arguments, state) => Split(text, arguments, state, fromEnd: false),
        ["rsplit"] = (text, arguments, state) => Split(text, arguments, state, fromEnd: true),
        ["splitlines"] = (text, _, _) => PythonText.Lines(text).ToList<object?>(),
        ["partition"] = (text, arguments, state) => Partition(text, arguments, state),
        ["startswith"] = (text, arguments, _) => Options(arguments, "prefix").Exists(prefix => text.StartsWith(prefix, StringComparison.Ordinal)),
        ["endswith"] = (text, arguments, _) => Options(arguments, "suffix").Exists(suffix => text.EndsWith(suffix, StringComparison.Ordinal)),
        ["removeprefix"] = (text, arguments, _) =>
            arguments.RequireText(0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        ["removesuffix"] = (text, arguments, _) =>
            arguments.RequireText(0, "suffix") is var suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
        ["upper"] = (text, _, _) => text.ToUpperInvariant(),
        ["lower"] = (text, _, _) => text.ToLowerInvariant(),
        ["title"] = (text, _, _) => PythonText.Title(text, previous => !char.IsLetter(previous)),
        ["capitalize"] = (text, _, _) => PythonText.Capitalize(text),
        ["replace"] = (text, arguments, state) =>
            Replace(text, arguments.RequireText(0, "old"), arguments.RequireText(1, "new"), arguments.Integer(2, "count", -1), state),
        ["join"] = (text, arguments, state) => Join(text, Operators.Iterate(arguments.Require(0, "iterable"), state), state),
        ["find"] = (text, arguments, state) => Find(text, arguments, state, last: false),
        ["rfind"] = (text, arguments, state) => Find(text, arguments, state, last: true),
        ["count"] = (text, arguments, state) => Count(text, arguments.RequireText(0, "sub"), state),
        ["isdigit"] = (text, _, _) => text.Length > 0 && text.All(char.IsDigit),
        ["isalpha"] = (text, _, _) => text.Length > 0 && text.All(char.IsLetter),
        ["isspace"] = (text, _, _) => text.Length > 0 && text.All(PythonText.IsSpace),
        ["isupper"] = (text, _, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["islower"] = (text, _, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
    };

    /// <summary>The method of a string, ready to be called, or null if there is none of that name.</summary>
    public static Callable? Find(string text, string name)
    {
        if (!s_methods.TryGetValue(name, out var method)) return null;
        return new Callable(name, (arguments, state) =>
        {
            state.Charge(text.Length);
            return method(text, arguments, state);
        });
    }

    /// <summary>Replaces at most <paramref name="count"/> occurrences, all if it is negative.</summary>
    public static string Replace(string text, string old, string replacement, long count, RenderState state)
    {
        if (count == 0) return text;
        var found = old.Length == 0 ? text.Length + 1L : Count(text, old, state);
        var replaced = count < 0 ? found : Math.Min(count, found);
        state.Charge(text.Length + replaced * Math.Max(0, replacement.Length - old.Length));
        if (old.Length == 0)
        {
            var characters = PythonText.Characters(text).ConvertAll(character => (string)character!);
            return string.Concat(characters.Select((character, i) => i < replaced ? replacement + character : character))
                + (replaced > characters.Count ? replacement : "");
        }
        if (replaced == found) return text.Replace(old, replacement, StringComparison.Ordinal);
        return string.Join(replacement, text.Split(old, (int)replaced + 1));
    }

    /// <summary>Joins what <c>str</c> makes of the items.</summary>
    public static string Join(string separator, List<object?> items, RenderState state)
    {
        var texts = items.ConvertAll(item => PythonText.Str(item, state));
        state.Charge(texts.Sum(text => (long)text.Length) + (long)separator.Length * texts.Count);
        return string.Join(separator, texts);
    }

    private static string? Characters(Arguments arguments) => arguments.Get(0, "chars") is null ? null : arguments.RequireText(0, "chars");

    private static List<string> Options(Arguments arguments, string name) => arguments.Require(0, name) is List<object?> options
        ? options.OfType<string>().ToList()
        : [arguments.RequireText(0, name)];

    private static long Count(string text, string pattern, RenderState state)
    {
        state.ChargeSearch(text, pattern);
        if (pattern.Length == 0) return PythonText.Length(text) + 1L;
        var count = 0L;
        for (var at = text.IndexOf(pattern, StringComparison.Ordinal); at >= 0; at = text.IndexOf(pattern, at + pattern.Length, StringComparison.Ordinal)) count++;
        return count;
    }

    private static long Find(string text, Arguments arguments, RenderState state, bool last)
    {
        var pattern = arguments.RequireText(0, "sub");
        state.ChargeSearch(text, pattern);
        var at = last ? text.LastIndexOf(pattern, StringComparison.Ordinal) : text.IndexOf(pattern, StringComparison.Ordinal);
        return at < 0 ? -1L : PythonText.Length(text[..at]);
    }

    private static List<object?> Split(string text, Arguments arguments, RenderState state, bool fromEnd)
    {
        var limit = arguments.Integer(1, "maxsplit", -1);
        if (limit < 0) limit = int.MaxValue - 1;
        if (arguments.Get(0, "sep") is null) return SplitAtSpaces(text, limit, fromEnd);
        var separator = arguments.RequireText(0, "sep");
        if (separator.Length == 0) throw new TemplateException("'split' needs a separator that is not empty");
        state.ChargeSearch(text, separator);
        var parts = text.Split(separator);
        var extra = (int)Math.Max(0, parts.Length - 1 - limit);
        if (extra == 0) return [.. parts];
        return fromEnd
            ? [string.Join(separator, parts[..(extra + 1)]), .. parts[(extra + 1)..]]
            : [.. parts[..^(extra + 1)], string.Join(separator, parts[^(extra + 1)..])];
    }

    private static List<object?> SplitAtSpaces(string text, long limit, bool fromEnd)
    {
        var parts = new List<object?>();
        var rest = (fromEnd ? PythonText.StripEnd(text) : PythonText.StripStart(text)).AsMemory();
        while (rest.Length > 0)
        {
            var span = rest.Span;
            var at = fromEnd ? span.Length - 1 : 0;
            while (at >= 0 && at < span.Length && !PythonText.IsSpace(span[at])) at += fromEnd ? -1 : 1;
            if (parts.Count == limit || at < 0 || at == span.Length)
            {
                parts.Add(rest.ToString());
                break;
            }
            parts.Add((fromEnd ? rest[(at + 1)..] : rest[..at]).ToString());
            while (at >= 0 && at < span.Length && PythonText.IsSpace(span[at])) at += fromEnd ? -1 : 1;
            rest = fromEnd ? rest[..(at + 1)] : rest[at..];
        }
        if (fromEnd) parts.Reverse();
        return parts;
    }

    private static List<object?> Partition(string text, Arguments arguments, RenderState state)
    {
        var separator = arguments.RequireText(0, "sep");
        if (separator.Length == 0) throw new TemplateException("'partition' needs a separator that is not empty");
        state.ChargeSearch(text, separator);
        var at = text.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 ? [text, "", ""] : [text[..at], separator, text[(at + separator.Length)..]];
    }
}
