using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>The functions every chat template can call.</summary>
internal static class Globals
{
    private const long LongestRange = 100_000;

    public static void Define(Scope scope)
    {
        scope.Set("namespace", new Callable("namespace", (arguments, _) => new NamespaceValue(ToMapping(arguments))));
        scope.Set("dict", new Callable("dict", (arguments, _) => ToMapping(arguments)));
        scope.Set("range", new Callable("range", Range));
        scope.Set("raise_exception", new Callable("raise_exception", (arguments, state) =>
            throw new TemplateException(PythonText.Str(arguments.Get(0, "message", ""), state)) { IsRefusal = true }));
        scope.Set("strftime_now", new Callable("strftime_now", (arguments, _) =>
            FormatTime(TimeProvider.System.GetLocalNow(), arguments.RequireText(0, "format"))));
    }

    /// <summary>A time in the directives of C's strftime.</summary>
    public static string FormatTime(DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            var unpadded = format[i + 1] == '-' && i + 2 < format.Length;
            i += unpadded ? 2 : 1;
            var part = Directive(time, format[i]) ?? throw new TemplateException($"the time format '%{format[i]}' is not known");
            result.Append(unpadded && part.TrimStart('0') is { } digits ? digits.Length > 0 ? digits : "0" : part);
        }
        return result.ToString();
    }

    private static string? Directive(DateTimeOffset time, char code)
    {
        string Format(string format) => time.ToString(format, CultureInfo.InvariantCulture);
        return code switch
        {
            'Y' => Format("yyyy"),
            'y' => Format("yy"),
            'm' => Format("MM"),
            'd' => Format("dd"),
            'e' => $"{time.Day,2}",
            'B' => Format("MMMM"),
            'b' or 'h' => Format("MMM"),
            'A' => Format("dddd"),
            'a' => Format("ddd"),
            'H' => Format("HH"),
            'I' => Format("hh"),
            'M' => Format("mm"),
            'S' => Format("ss"),
            'f' => Format("ffffff"),
            'p' => Format("tt"),
            'j' => $"{time.DayOfYear:000}",
            'w' => $"{(int)time.DayOfWeek}",
            'u' => $"{((int)time.DayOfWeek + 6) % 7 + 1}",
            'F' => Format("yyyy-MM-dd"),
            'T' or 'X' => Format("HH:mm:ss"),
            'R' => Format("HH:mm"),
            'D' or 'x' => Format("MM/dd/yy"),
            'c' => $"{Format("ddd MMM")} {time.Day,2} {Format("HH:mm:ss yyyy")}",
            's' => $"{time.ToUnixTimeSeconds()}",
            'z' or 'Z' => "",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => null,
        };
    }

    private static Dictionary<string, object?> ToMapping(Arguments arguments)
    {
        var mapping = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var source in arguments.Positional)
        {
            if (source is not Dictionary<string, object?> pairs) throw new TemplateException($"a mapping is needed, but there is {Operators.TypeName(source)}");
            foreach (var pair in pairs) mapping[pair.Key] = pair.Value;
        }
        foreach (var pair in arguments.Named) mapping[pair.Key] = pair.Value;
        return mapping;
    }

    private static List<object?> Range(Arguments arguments, RenderState state)
    {
        var single = arguments.Positional.Count == 1;
        var start = single ? 0 : Operators.ToInteger(arguments.Require(0, "start"));
        var stop = Operators.ToInteger(arguments.Require(single ? 0 : 1, "stop"));
        var step = arguments.Integer(2, "step", 1);
        if (step == 0) throw new TemplateException("the step of 'range' is zero");
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var size = Int128.Abs(step);
        var count = distance <= 0 ? 0 : (distance + size - 1) / size;
        if (count > LongestRange) throw new TemplateException($"a range is longer than {LongestRange} numbers");
        state.Charge((long)count);
        var numbers = new List<object?>((int)count);
        for (var i = 0; i < (int)count; i++) numbers.Add(start + i * step);
        return numbers;
    }
}
