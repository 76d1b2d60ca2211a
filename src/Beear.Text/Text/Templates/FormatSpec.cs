using System.Globalization;
using System.Numerics;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's format specification: how one value is laid out by <c>str.format</c> and by <c>%</c>.</summary>
internal sealed record FormatSpec
{
    private const int FormatCost = 200;

    public string Fill { get; init; } = " ";

    /// <summary>'&lt;', '&gt;', '^', '=' (padding after the sign), or none.</summary>
    public char? Align { get; init; }

    /// <summary>'-', '+' or ' '.</summary>
    public char Sign { get; init; } = '-';

    public bool IsAlternate { get; init; }

    public int Width { get; init; }

    /// <summary>',' or '_' between groups of digits, or none.</summary>
    public char? Grouping { get; init; }

    public int? Precision { get; init; }

    public char? Type { get; init; }

    /// <summary>Reads <c>[[fill]align][sign][#][0][width][grouping][.precision][type]</c>.</summary>
    public static FormatSpec Parse(string text)
    {
        var spec = new FormatSpec();
        var at = 0;
        bool Skip(char character) => at < text.Length && text[at] == character && ++at > 0;
        int? Number()
        {
            var start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            return at == start ? null
                : int.TryParse(text.AsSpan(start, at - start), CultureInfo.InvariantCulture, out var number) ? number : throw Wrong(text);
        }
        var fill = text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : 1;
        if (text.Length > fill && text[fill] is '<' or '>' or '^' or '=') spec =
            spec with { Fill = text[..fill], Align = text[(at = fill + 1) - 1] };
        else if (text is ['<' or '>' or '^' or '=', ..]) spec = spec with { Align = text[at++] };
        if (at < text.Length && text[at] is '+' or '-' or ' ') spec = spec with { Sign = text[at++] };
        if (Skip('z')) throw Wrong(text);
        spec = spec with { IsAlternate = Skip('#') };
        if (Skip('0') && spec.Align is null) spec = spec with { Fill = "0", Align = '=' };
        spec = spec with { Width = Number() ?? 0 };
        if (at < text.Length && text[at] is ',' or '_') spec = spec with { Grouping = text[at++] };
        if (Skip('.')) spec = spec with { Precision = Number() ?? throw Wrong(text) };
        if (at < text.Length) spec = spec with { Type = text[at++] };
        return at == text.Length ? spec : throw Wrong(text);
    }

    public string Apply(object? value, RenderState state)
    {
        state.Charge(FormatCost + Width + 4L * (Precision ?? 0) + (value is BigInteger big ? 2 * big.GetBitLength() : 0));
        return value switch
        {
            string text => ApplyToText(text, state),
            bool flag when this == new FormatSpec() => flag ? "True" : "False",
            double number => ApplyToFloat(number),
            bool or long or BigInteger => Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%'
                ? ApplyToFloat(Numbers.ToDouble(value)) : ApplyToInteger(Numbers.ToBig(value)),
            _ when this == new FormatSpec() => PythonRepr.Str(value, state),
            _ => throw new TemplateException($"{Values.Describe(value)} cannot be laid out by a format"),
        };
    }

    /// <summary>Pads to the width.</summary>
    public string Pad(string sign, string body, char alignment)
    {
        var missing = Width - PythonText.Length(sign) - PythonText.Length(body);
        if (missing <= 0) return sign + body;
        string Padding(int count) => Fill.Length == 1 ? new string(Fill[0], count) : new StringBuilder().Insert(0, Fill, count).ToString();
        return (Align ?? alignment) switch
        {
            '<' => sign + body + Padding(missing),
            '^' => Padding(missing / 2) + sign + body + Padding(missing - missing / 2),
            '=' => sign + Padding(missing) + body,
            _ => Padding(missing) + sign + body,
        };
    }

    private string ApplyToText(string text, RenderState state)
    {
        if (Type is not (null or 's') || Align == '=' && Fill != "0" || Sign != '-' || IsAlternate || Grouping is not null)
            throw new TemplateException("a format for numbers is applied to a string");
        state.Charge(text.Length);
        var shown = Precision < PythonText.Length(text) ? PythonText.Slice(text, 0, Precision.Value) : text;
        return (Align == '=' ? this with { Align = '<' } : this).Pad("", shown, '<');
    }

    private string ApplyToInteger(BigInteger value)
    {
        var (radix, prefix) = Type switch
        {
            null or 'd' or 'n' => (10, ""),
            'x' or 'X' => (16, "0" + Type),
            'o' => (8, "0o"),
            'b' => (2, "0b"),
            'c' => (0, ""),
            _ => throw new TemplateException($"the format '{Type}' does not apply to an integer"),
        };
        if (radix == 0) return Pad("", Character(value), '<');
        if (Precision is not null) throw new TemplateException("a precision does not apply to an integer");
        var digits = Digits(BigInteger.Abs(value), radix);
        if (Type == 'X') digits = digits.ToUpperInvariant();
        return Finish(value.Sign < 0, IsAlternate ? prefix : "", digits, "", radix == 10 ? 3 : 4);
    }

    private string ApplyToFloat(double value)
    {
        var type = Type is { } stated ? char.ToLowerInvariant(stated) : '\0';
        if (type is not ('\0' or 'e' or 'f' or 'g' or 'n' or '%')) throw new TemplateException(
            $"the format '{Type}' does not apply to a float");
        var text = double.IsFinite(value) ? FiniteFloat(value, type) : double.IsNaN(value) ? "nan" : "inf" + (type == '%' ? "%" : "");
        if (Type is 'E' or 'F' or 'G') text = text.ToUpperInvariant();
        var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9') is var found and >= 0 ? found : text.Length;
        return Finish(double.IsNegative(value) && !double.IsNaN(value), "", text[..end], text[end..], 3);
    }

    private string FiniteFloat(double value, char type)
    {
        var precision = Precision ?? 6;
        var text = type switch
        {
            'e' => DecimalText.Scientific(value, precision),
            'f' => DecimalText.Fixed(value, precision),
            '%' => DecimalText.Fixed(value * 100, precision),
            'g' or 'n' => DecimalText.General(value, Math.Max(1, precision), IsAlternate, Math.Max(1, precision)),
            _ when Precision is null => PythonRepr.Float(Math.Abs(value)),
            _ => DecimalText.General(value, Math.Max(1, precision), IsAlternate, Math.Max(1, precision) - (precision > 1 ? 1 : 0)),
        };
        if (type == '\0' && Precision is not null && text.AsSpan().IndexOfAny('.', 'e') < 0) text += ".0";
        if (IsAlternate && !text.Contains('.', StringComparison.Ordinal))
            text = text.IndexOf('e', StringComparison.Ordinal) is var mark and >= 0 ? text.Insert(mark, ".") : text + ".";
        return type == '%' ? text + "%" : text;
    }

    private string Finish(bool isNegative, string prefix, string digits, string tail, int group)
    {
        var sign = (isNegative ? "-" : Sign == '-' ? "" : Sign.ToString()) + prefix;
        if (Grouping is not { } separator) return Pad(sign, digits + tail, '>');
        var width = Align == '=' && Fill == "0" ? Width - sign.Length - tail.Length : 0;
        var grouped = new StringBuilder();
        for (var i = 0; i < digits.Length || grouped.Length < width; i++)
        {
            if (i > 0 && i % group == 0) grouped.Append(separator);
            grouped.Append(i < digits.Length ? digits[^(i + 1)] : '0');
        }
        var reversed = grouped.ToString().ToCharArray();
        Array.Reverse(reversed);
        return Pad(sign, new string(reversed) + tail, '>');
    }

    private static string Digits(BigInteger value, int radix)
    {
        if (radix == 10) return value.ToString(CultureInfo.InvariantCulture);
        var binary = value.ToString("b", CultureInfo.InvariantCulture).TrimStart('0');
        if (binary.Length == 0) return "0";
        var size = radix switch { 16 => 4, 8 => 3, _ => 1 };
        binary = binary.PadLeft((binary.Length + size - 1) / size * size, '0');
        return string.Concat(binary.Chunk(size)
            .Select(bits => Convert.ToInt32(new string(bits), 2).ToString("x", CultureInfo.InvariantCulture)));
    }

    private static string Character(BigInteger value) => value >= 0 && value <= 0x10ffff && Rune.IsValid((int)value)
        ? new Rune((int)value).ToString()
        : throw new TemplateException("a character's number is out of range");

    private static TemplateException Wrong(string text) => new($"the format '{text}' is not understood");
}
