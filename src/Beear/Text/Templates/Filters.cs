using System.Globalization;

namespace Beear.Text.Templates;

/// <summary>Jinja's filters of single values; <see cref="SequenceFilters"/> has those of sequences.</summary>
internal static class Filters
{
    internal delegate object? Filter(object? value, Arguments arguments, RenderState state);

    private static readonly Dictionary<string, Filter> s_filters = Create();

    public static bool Exists(string name) => s_filters.ContainsKey(name);

    public static object? Apply(string name, object? value, Arguments arguments, RenderState state)
    {
        if (!s_filters.TryGetValue(name, out var filter)) throw new TemplateException($"the filter '{name}' does not exist");
        state.Charge(value);
        return filter(value, arguments, state);
    }

    private static Dictionary<string, Filter> Create()
    {
        var filters = new Dictionary<string, Filter>(SequenceFilters.All, StringComparer.Ordinal)
        {
            ["trim"] = (value, arguments, state) => PythonText.Strip(PythonText.Str(value, state), arguments.Get(0, "chars") as string),
            ["upper"] = (value, _, state) => PythonText.Str(value, state).ToUpperInvariant(),
            ["lower"] = (value, _, state) => PythonText.Str(value, state).ToLowerInvariant(),
            ["title"] = (value, _, state) =>
                PythonText.Title(PythonText.Str(value, state), previous => PythonText.IsSpace(previous) || previous is '-' or '(' or '{' or '[' or '<'),
            ["capitalize"] = (value, _, state) => PythonText.Capitalize(PythonText.Str(value, state)),
            ["replace"] = (value, arguments, state) => StringMethods.Replace(
                PythonText.Str(value, state), PythonText.Str(arguments.Require(0, "old"), state),
                PythonText.Str(arguments.Require(1, "new"), state), arguments.Get(2, "count") is { } count ? Operators.ToInteger(count) : -1, state),
            ["tojson"] = Json.Filter,
            ["string"] = (value, _, state) => PythonText.Str(value, state),
            ["safe"] = (value, _, state) => PythonText.Str(value, state),
            ["int"] = (value, arguments, _) => ToInteger(value) ?? arguments.Get(0, "default", 0L),
            ["float"] = (value, arguments, _) => (value is string text ? Operators.ParseNumber(text) : Operators.ToNumber(value)) ?? arguments.Get(0, "default", 0.0),
            ["abs"] = (value, _, state) => Operators.Compare(value, 0L, state) < 0 ? Operators.Binary("-", 0L, value, state) : value,
            ["round"] = (value, arguments, _) => Round(value, arguments),
            ["indent"] = Indent,
            ["escape"] = (value, _, state) => Escape(PythonText.Str(value, state), state),
            ["default"] = (value, arguments, _) =>
                value is Undefined || (arguments.Flag(1, "boolean") && !Operators.IsTrue(value)) ? arguments.Get(0, "default_value", "") : value,
            ["attr"] = (value, arguments, _) => Members.Attribute(value, arguments.RequireText(0, "name")),
        };
        filters["e"] = filters["escape"];
        filters["d"] = filters["default"];
        return filters;
    }

    private static long? ToInteger(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1L : 0L,
        double number => Truncate(number),
        string text when long.TryParse(PythonText.Strip(text), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        string text => Truncate(Operators.ParseNumber(text) ?? double.NaN),
        _ => null,
    };

    private static long? Truncate(double number) => Math.Abs(number) < 9e18 ? (long)number : null;

    private static double Round(object? value, Arguments arguments)
    {
        var number = Operators.ToNumber(value) ?? throw new TemplateException($"{Operators.TypeName(value)} cannot be rounded");
        var scale = Math.Pow(10, Math.Clamp(arguments.Integer(0, "precision", 0), -15, 15));
        return arguments.Get(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => Math.Round(number * scale, MidpointRounding.ToEven) / scale,
        };
    }

    private static string Indent(object? value, Arguments arguments, RenderState state)
    {
        var width = arguments.Get(0, "width", 4L);
        if (width is not string) state.Charge(Math.Max(0, Operators.ToInteger(width)));
        var indent = width as string ?? new string(' ', (int)Math.Max(0, Operators.ToInteger(width)));
        var lines = PythonText.Lines(PythonText.Str(value, state) + "\n");
        state.Charge((long)lines.Count * indent.Length);
        var (first, blank) = (arguments.Flag(1, "first"), arguments.Flag(2, "blank"));
        return string.Join('\n', lines.Select((line, i) => i == 0 ? first ? indent + line : line : line.Length > 0 || blank ? indent + line : line));
    }

    private static string Escape(string text, RenderState state)
    {
        state.Charge(5L * text.Length);
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal)
            .Replace("\"", "&#34;", StringComparison.Ordinal);
    }
}
