using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's <c>pattern % values</c>.</summary>
internal sealed class PercentFormat
{
    private readonly string _pattern;
    private readonly object? _values;
    private readonly RenderState _state;
    private int _at;
    private int _used;

    private PercentFormat(string pattern, object? values, RenderState state) => (_pattern, _values, _state) = (pattern, values, state);

    public static string Format(string pattern, object? values, RenderState state) => new PercentFormat(pattern, values, state).Run();

    private string Run()
    {
        var output = new StringBuilder();
        for (; _at < _pattern.Length; _at++)
        {
            if (_pattern[_at] != '%') output.Append(_pattern[_at]);
            else
            {
                _at++;
                _state.Append(output, Conversion());
            }
        }
        var isUsed = _values is TupleValue tuple ? _used == tuple.Count : _used == 1 || _values is Mapping or List<object?> or Undefined;
        return isUsed ? output.ToString() : throw new TemplateException("not all values of '%' are used by its pattern");
    }

    private string Conversion()
    {
        object? source = null;
        var isNamed = Current == '(';
        if (isNamed)
        {
            var end = _pattern.IndexOf(')', _at);
            if (end < 0 || _values is not Mapping mapping) throw new TemplateException("'%(' needs a name, ')' and a mapping");
            var name = _pattern[(_at + 1)..end];
            if (!mapping.TryGet(name, out source)) throw new TemplateException($"the pattern of '%' names '{name}', which is not there");
            (_at, _used) = (end + 1, 1);
        }
        var flags = new StringBuilder();
        while (Current is '-' or '0' or '+' or ' ' or '#') flags.Append(_pattern[_at++]);
        var width = Number();
        int? precision = null;
        if (Current == '.')
        {
            _at++;
            precision = Math.Max(0, Number());
        }
        while (Current is 'h' or 'l' or 'L') _at++;
        var type = Current;
        if (type == '%') return "%";
        return Apply(flags.ToString(), width, precision, type, isNamed ? source : Next());
    }

    private string Apply(string flags, int width, int? precision, char type, object? value)
    {
        bool Has(char flag) => flags.Contains(flag, StringComparison.Ordinal);
        var isLeft = Has('-') || width < 0;
        var spec = new FormatSpec
        {
            Width = Math.Abs(width),
            Align = isLeft ? '<' : '>',
            Sign = Has('+') ? '+' : Has(' ') ? ' ' : '-',
            IsAlternate = Has('#'),
            Precision = precision,
            Type = type,
        };
        var plain = spec with { Sign = '-', IsAlternate = false, Type = null };
        if (Has('0') && !isLeft) spec = spec with { Fill = "0", Align = '=' };
        switch (type)
        {
            case 's': return plain.Apply(PythonRepr.Str(value, _state), _state);
            case 'r' or 'a': return plain.Apply(PythonRepr.Repr(value, _state, onlyAscii: type == 'a'), _state);
            case 'c' when value is string text
                && PythonText.Length(text) == 1:
                return (plain with { Precision = null }).Apply(text, _state);
            case 'c' when Numbers.IsInteger(value):
                return (plain with { Precision = null, Type = 'c' }).Apply(Numbers.Integer(Numbers.ToBig(value)), _state);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G' when Numbers.IsNumber(value): return spec.Apply(Numbers.ToDouble(value), _state);
            case 'd' or 'i' or 'u' when value is double number && double.IsFinite(number):
                return Integer(spec with { Type = 'd' }, new System.Numerics.BigInteger(number));
            case 'd' or 'i' or 'u' when Numbers.IsInteger(value): return Integer(spec with { Type = 'd' }, Numbers.ToBig(value));
            case 'x' or 'X' or 'o' when Numbers.IsInteger(value): return Integer(spec, Numbers.ToBig(value));
            case '\0': throw new TemplateException("the pattern of '%' ends in a conversion");
        }
        if (value is Undefined undefined) throw undefined.Fail();
        throw new TemplateException($"the conversion '%{type}' does not apply to {Values.Describe(value)}");
    }

    /// <summary>An integer; a precision is its least number of digits.</summary>
    private string Integer(FormatSpec spec, System.Numerics.BigInteger value)
    {
        var digits = spec.Precision ?? 0;
        _state.Charge(digits);
        var text = (spec with { Width = 0, Precision = null }).Apply(Numbers.Integer(value), _state);
        var start = text.AsSpan().IndexOfAnyExcept("+- ") is var sign && spec.IsAlternate && spec.Type != 'd' ? sign + 2 : sign;
        _state.Charge(spec.Width);
        return spec.Pad(text[..start], text[start..].PadLeft(digits, '0'), '>');
    }

    private char Current => _at < _pattern.Length ? _pattern[_at] : '\0';

    private object? Next()
    {
        var isThere = _values is TupleValue tuple ? _used < tuple.Count : _used == 0;
        if (!isThere) throw new TemplateException("the pattern of '%' needs more values");
        _used++;
        return _values is TupleValue values ? values[_used - 1] : _values;
    }

    private int Number()
    {
        if (Current == '*')
        {
            _at++;
            return (int)Math.Clamp(Values.ToInteger(Next()), -int.MaxValue, int.MaxValue);
        }
        var start = _at;
        while (char.IsAsciiDigit(Current)) _at++;
        if (start == _at) return 0;
        return int.TryParse(_pattern.AsSpan(start, _at - start), CultureInfo.InvariantCulture, out var number)
            ? number : throw new TemplateException("a width or precision of '%' is too large");
    }
}
