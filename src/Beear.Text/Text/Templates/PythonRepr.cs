using System.Globalization;
using System.Numerics;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>How Python prints values: <c>str</c>, <c>repr</c> and <c>ascii</c>.</summary>
internal sealed class PythonRepr
{
    private readonly StringBuilder _output = new();
    private readonly RenderState _state;
    private readonly bool _onlyAscii;

    private PythonRepr(RenderState state, bool onlyAscii) => (_state, _onlyAscii) = (state, onlyAscii);

    /// <summary>What <c>str(value)</c> gives; undefined is empty.</summary>
    public static string Str(object? value, RenderState state) => value switch
    {
        string text => text,
        Undefined => "",
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => Repr(value, state),
    };

    public static string Repr(object? value, RenderState state, bool onlyAscii = false)
    {
        var repr = new PythonRepr(state, onlyAscii);
        repr.Write(value);
        return repr._output.ToString();
    }

    /// <summary>The shortest digits that read back as the same float, in Python's form.</summary>
    public static string Float(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        var shortest = value.ToString("R", CultureInfo.InvariantCulture).Split('E');
        var sign = shortest[0].StartsWith('-') ? "-" : "";
        var plain = shortest[0].TrimStart('-');
        var all = plain.Replace(".", "", StringComparison.Ordinal);
        var digits = all.Trim('0') is { Length: > 0 } significant ? significant : "0";
        var exponent = plain.IndexOf('.', StringComparison.Ordinal) is var point and >= 0 ? point - 1 : plain.Length - 1;
        if (value != 0) exponent -= all.Length - all.TrimStart('0').Length;
        if (shortest.Length > 1) exponent += int.Parse(shortest[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent is < -4 or >= 16)
            return $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        digits = digits.PadRight(exponent + 1, '0');
        return $"{sign}{digits[..(exponent + 1)]}.{(digits.Length > exponent + 1 ? digits[(exponent + 1)..] : "0")}";
    }

    private void Write(object? value)
    {
        _state.Enter();
        switch (value)
        {
            case null: _output.Append("None"); break;
            case bool flag: _output.Append(flag ? "True" : "False"); break;
            case long number: _output.Append(number); break;
            case BigInteger number: Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: Append(Float(number)); break;
            case string text: AppendQuoted(text); break;
            case TupleValue tuple: AppendItems("(", tuple, tuple.Count == 1 ? ",)" : ")"); break;
            case List<object?> list: AppendItems("[", list, "]"); break;
            case Mapping mapping: AppendMapping(mapping); break;
            case MappingView view: AppendItems(view.Kind + "([", view.Items, "])"); break;
            case RangeValue range: _output.Append($"range({range.Start}, {range.Stop}{(range.Step == 1 ? "" : $", {range.Step}")})"); break;
            case NamespaceValue space:
                _output.Append("<Namespace ");
                AppendMapping(space.Attributes);
                _output.Append('>');
                break;
            case Undefined: _output.Append("Undefined"); break;
            case LoopValue loop: _output.Append($"<LoopContext {loop.Index + 1}/{loop.Count}>"); break;
            case Callable { IsMacro: true } macro: _output.Append($"<Macro '{macro.Name}'>"); break;
            case Callable callable: _output.Append($"<function {callable.Name}>"); break;
            case Generator generator: _output.Append($"<{generator.Kind}>"); break;
            default: throw new TemplateException($"{Values.Describe(value)} cannot be printed");
        }
        _state.Leave();
    }

    private void Append(string text) => _state.Append(_output, text);

    private void AppendItems(string open, List<object?> items, string close)
    {
        _output.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) Append(", ");
            Write(items[i]);
        }
        _output.Append(close);
    }

    private void AppendMapping(Mapping mapping)
    {
        var separator = "{";
        foreach (var (key, value) in mapping)
        {
            _output.Append(separator);
            Write(key);
            Append(": ");
            Write(value);
            separator = ", ";
        }
        _output.Append(mapping.Count == 0 ? "{}" : "}");
    }

    private void AppendQuoted(string text)
    {
        _state.Charge(4L * text.Length);
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        _output.Append(quote);
        for (int i = 0, width; i < text.Length; i += width)
        {
            var isRune = Rune.TryGetRuneAt(text, i, out var rune);
            width = isRune ? rune.Utf16SequenceLength : 1;
            AppendCharacter(text.AsSpan(i, width), isRune ? rune.Value : text[i], quote, isRune && PythonText.IsPrintable(rune));
        }
        _output.Append(quote);
    }

    private void AppendCharacter(ReadOnlySpan<char> character, int code, char quote, bool isPrintable)
    {
        if (code == quote || code == '\\') _output.Append('\\').Append((char)code);
        else if (isPrintable && (code < 128 || !_onlyAscii)) _output.Append(character);
        else
        {
            _output.Append(code switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < 0x100 => $"\\x{code:x2}",
                < 0x10000 => $"\\u{code:x4}",
                _ => $"\\U{code:x8}",
            });
        }
    }
}
