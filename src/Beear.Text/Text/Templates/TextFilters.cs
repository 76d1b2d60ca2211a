using System.Text;

namespace Beear.Text.Templates;

/// <summary>Jinja's filters of texts. HTML is never escaped unless asked for, as in transformers.</summary>
internal static class TextFilters
{
    public static Dictionary<string, Filters.Filter> All { get; } = Create();

    private static Dictionary<string, Filters.Filter> Create() => new(StringComparer.Ordinal)
    {
        ["string"] = (value, _, state) => PythonRepr.Str(value, state),
        ["safe"] = (value, _, state) => PythonRepr.Str(value, state),
        ["trim"] = (value, arguments, state) =>
            PythonRepr.Str(value, state) is var text ? PythonText.Strip(text, StringMethods.Characters(text, arguments, state)) : null,
        ["upper"] = (value, _, state) => TextCase.Upper(PythonRepr.Str(value, state)),
        ["lower"] = (value, _, state) => TextCase.Lower(PythonRepr.Str(value, state)),
        ["title"] = (value, _, state) => TextCase.TitleFilter(PythonRepr.Str(value, state), state),
        ["capitalize"] = (value, _, state) => TextCase.Capitalize(PythonRepr.Str(value, state)),
        ["replace"] = (value, arguments, state) => StringMethods.Replace(
            PythonRepr.Str(value, state), PythonRepr.Str(arguments.Require(0, "old"), state),
                PythonRepr.Str(arguments.Require(1, "new"), state),
            arguments.Get(2, "count") is { } count ? Values.ToInteger(count) : -1, state),
        ["format"] = (value, arguments, state) => PercentFormat.Format(
            PythonRepr.Str(value, state), arguments.Named.Count > 0 ? ToMapping(arguments) : new TupleValue(arguments.Positional), state),
        ["center"] = (value, arguments, state) => StringMethods.Center(PythonRepr.Str(value, state), arguments, state, fallback: 80),
        ["indent"] = Indent,
        ["truncate"] = Truncate,
        ["wordcount"] = (value, _, state) => CountWords(PythonRepr.Str(value, state)),
        ["wordwrap"] = (_, _, _) => throw new TemplateException("the filter 'wordwrap' is not supported"),
        ["striptags"] = (_, _, _) => throw new TemplateException("the filter 'striptags' is not supported"),
        ["urlize"] = (_, _, _) => throw new TemplateException("the filter 'urlize' is not supported"),
        ["xmlattr"] = (_, _, _) => throw new TemplateException("the filter 'xmlattr' is not supported"),
        ["pprint"] = (_, _, _) => throw new TemplateException("the filter 'pprint' is not supported; use 'tojson'"),
        ["escape"] = (value, _, state) => Escape(PythonRepr.Str(value, state), state),
        ["urlencode"] = UrlEncode,
        ["tojson"] = Json.Filter,
    };

    private static Mapping ToMapping(Arguments arguments)
    {
        if (arguments.Positional.Count > 0) throw new TemplateException("'format' takes values either by place or by name");
        var mapping = new Mapping();
        foreach (var (name, value) in arguments.Named) mapping[name] = value;
        return mapping;
    }

    private static string Indent(object? value, Arguments arguments, RenderState state)
    {
        var text = Values.ToText(value, "what is indented") + "\n";
        var width = arguments.Get(0, "width", 4L);
        if (width is not string) state.Charge(Math.Max(0, Values.ToInteger(width)));
        var indent = width as string ?? new string(' ', (int)Math.Max(0, Values.ToInteger(width)));
        var breaks = text.Count(PythonText.IsLineEnd);
        state.ChargeItems(breaks);
        state.Charge((long)breaks * indent.Length);
        var (first, blank) = (arguments.Flag(1, "first"), arguments.Flag(2, "blank"));
        return string.Join('\n', PythonText.Lines(text)
            .Select((line, i) => (i == 0 ? first : line.Length > 0 || blank) ? indent + line : line));
    }

    private static string Truncate(object? value, Arguments arguments, RenderState state)
    {
        var text = Values.ToText(value, "what is truncated");
        var (length, end) = (arguments.Integer(0, "length", 255), Values.ToText(arguments.Get(2, "end", "..."), "the argument 'end'"));
        var leeway = arguments.Get(3, "leeway") is { } stated ? Values.ToInteger(stated) : 5;
        var kept = length - PythonText.Length(end);
        if (kept < 0 || leeway < 0) throw new TemplateException("'truncate' needs room for its ending");
        if (PythonText.Length(text) <= length + leeway) return text;
        state.Charge(text.Length);
        var start = PythonText.Slice(text, 0, (int)kept);
        if (!arguments.Flag(1, "killwords") && start.LastIndexOf(' ') is var space and >= 0) start = start[..space];
        return start + end;
    }

    private static long CountWords(string text)
    {
        var (count, inside) = (0L, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var isWord = rune.Value == '_' || PythonText.IsAlphanumeric(rune);
            if (isWord && !inside) count++;
            inside = isWord;
        }
        return count;
    }

    private static string Escape(string text, RenderState state)
    {
        state.Charge(5L * text.Length);
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal)
            .Replace("\"", "&#34;", StringComparison.Ordinal);
    }

    private static string UrlEncode(object? value, Arguments arguments, RenderState state)
    {
        if (value is string || !Values.IsIterable(value)) return Quote(PythonRepr.Str(value, state), "/", state);
        var pairs = value is Mapping mapping ? CollectionMethods.Items(mapping, state).Items : Values.Iterate(value, state);
        string Part(object? part) => Quote(PythonRepr.Str(part, state), "", state).Replace("%20", "+", StringComparison.Ordinal);
        return StringMethods.Join("&", pairs.ConvertAll(pair => pair is List<object?> { Count: 2 } two
            ? $"{Part(two[0])}={Part(two[1])}" : throw new TemplateException("'urlencode' needs pairs")), state);
    }

    private static string Quote(string text, string safe, RenderState state)
    {
        state.Charge(12L * text.Length);
        var result = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            var character = (char)value;
            if (char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-' or '~'
                || safe.Contains(character, StringComparison.Ordinal)) result.Append(character);
            else result.Append('%').Append(value.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return result.ToString();
    }
}
