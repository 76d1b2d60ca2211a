using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's <c>datetime.strftime</c> in the C locale, for a time without a zone.</summary>
internal static class PythonTime
{
    public static string Format(DateTime time, string format, RenderState state)
    {
        state.Charge(30L * format.Length);
        var result = new StringBuilder();
        for (var at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                result.Append(format[at]);
                continue;
            }
            var flag = format[++at] is '-' or '_' or '0' or '^' && at + 1 < format.Length ? format[at++] : ' ';
            result.Append(Directive(time, format[at]) is { } part ? Adjust(part, flag) : "%" + (flag == ' ' ? "" : flag) + format[at]);
        }
        return result.ToString();
    }

    /// <summary>The flags of C's strftime: no padding, blanks, zeros, upper case.</summary>
    private static string Adjust(string part, char flag)
    {
        var isNumber = part.Length > 0 && part.Trim().All(char.IsAsciiDigit);
        return flag switch
        {
            '^' => part.ToUpperInvariant(),
            '-' when isNumber => part.TrimStart('0', ' ') is { Length: > 0 } digits ? digits : "0",
            '_' when isNumber => (part.TrimStart('0', ' ') is { Length: > 0 } digits ? digits : "0").PadLeft(part.Length),
            '0' when isNumber => part.Replace(' ', '0'),
            _ => part,
        };
    }

    private static string? Directive(DateTime time, char code)
    {
        string Format(string format) => time.ToString(format, CultureInfo.InvariantCulture);
        return code switch
        {
            'Y' => Format("yyyy"),
            'y' => Format("yy"),
            'C' => Format("yyyy")[..2],
            'm' => Format("MM"),
            'd' => Format("dd"),
            'e' => $"{time.Day,2}",
            'B' => Format("MMMM"),
            'b' or 'h' => Format("MMM"),
            'A' => Format("dddd"),
            'a' => Format("ddd"),
            'H' => Format("HH"),
            'k' => $"{time.Hour,2}",
            'I' => Format("hh"),
            'l' => $"{(time.Hour + 11) % 12 + 1,2}",
            'M' => Format("mm"),
            'S' => Format("ss"),
            'f' => Format("ffffff"),
            'p' => Format("tt"),
            'P' => Format("tt").ToLowerInvariant(),
            'j' => $"{time.DayOfYear:000}",
            'w' => $"{(int)time.DayOfWeek}",
            'u' => $"{((int)time.DayOfWeek + 6) % 7 + 1}",
            'U' => $"{(time.DayOfYear + 6 - (int)time.DayOfWeek) / 7:00}",
            'W' => $"{(time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7:00}",
            'G' => $"{ISOWeek.GetYear(time):0000}",
            'g' => $"{ISOWeek.GetYear(time) % 100:00}",
            'V' => $"{ISOWeek.GetWeekOfYear(time):00}",
            'F' => Format("yyyy-MM-dd"),
            'T' or 'X' => Format("HH:mm:ss"),
            'R' => Format("HH:mm"),
            'r' => Format("hh:mm:ss tt"),
            'D' or 'x' => Format("MM/dd/yy"),
            'c' => $"{Format("ddd MMM")} {time.Day,2} {Format("HH:mm:ss yyyy")}",
            's' => $"{new DateTimeOffset(time).ToUnixTimeSeconds()}",
            'z' or 'Z' => "",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => null,
        };
    }
}
