using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>The <c>tojson</c> filter: the spacing of Python's <c>json.dumps(value, ensure_ascii=False)</c>.</summary>
internal sealed class Json(RenderState state, string? indent, bool sortKeys, string? itemSeparator = null, string? keySeparator = null)
{
    private const int LargestIndent = 1000;
    private readonly StringBuilder _output = new();
    private readonly string _itemSeparator = itemSeparator ?? (indent is null ? ", " : ",");
    private readonly string _keySeparator = keySeparator ?? ": ";

    public static string Filter(object? value, Arguments arguments, RenderState state)
    {
        var indent = arguments.Get(0, "indent") switch
        {
            null => null,
            string text => text,
            var width => new string(' ', (int)Math.Clamp(Operators.ToInteger(width), 0, LargestIndent)),
        };
        var separators = arguments.Named.GetValueOrDefault("separators") as List<object?>;
        var writer = new Json(state, indent, arguments.Named.TryGetValue("sort_keys", out var sorted) && Operators.IsTrue(sorted),
            separators?.ElementAtOrDefault(0) as string, separators?.ElementAtOrDefault(1) as string);
        writer.Write(value, 0);
        return writer._output.ToString();
    }

    private void Write(object? value, int depth)
    {
        state.Enter();
        switch (value)
        {
            case null: _output.Append("null"); break;
            case bool flag: _output.Append(flag ? "true" : "false"); break;
            case long number: _output.Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: _output.Append(double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : PythonText.Number(number)); break;
            case string text: WriteText(text); break;
            case List<object?> list: WriteItems('[', ']', list, depth, item => Write(item, depth + 1)); break;
            case Dictionary<string, object?> dictionary:
                IEnumerable<KeyValuePair<string, object?>> pairs = sortKeys ? dictionary.OrderBy(pair => pair.Key, StringComparer.Ordinal) : dictionary;
                WriteItems('{', '}', pairs.ToList(), depth, pair =>
                {
                    WriteText(pair.Key);
                    _output.Append(_keySeparator);
                    Write(pair.Value, depth + 1);
                });
                break;
            case Undefined undefined: throw new TemplateException($"'{undefined.Name}' is undefined and cannot be written as JSON");
            default: throw new TemplateException($"{Operators.TypeName(value)} cannot be written as JSON");
        }
        state.Leave();
    }

    private void WriteItems<T>(char open, char close, List<T> items, int depth, Action<T> write)
    {
        _output.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) _output.Append(_itemSeparator);
            WriteLineBreak(depth + 1);
            write(items[i]);
        }
        if (items.Count > 0) WriteLineBreak(depth);
        _output.Append(close);
    }

    private void WriteLineBreak(int depth)
    {
        if (indent is null) return;
        state.Charge(1 + (long)indent.Length * depth);
        _output.Append('\n');
        for (var i = 0; i < depth; i++) _output.Append(indent);
    }

    private void WriteText(string text)
    {
        state.Charge(text.Length);
        _output.Append('"');
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' => _output.Append("\\\""),
                '\\' => _output.Append("\\\\"),
                '\n' => _output.Append("\\n"),
                '\r' => _output.Append("\\r"),
                '\t' => _output.Append("\\t"),
                '\b' => _output.Append("\\b"),
                '\f' => _output.Append("\\f"),
                < ' ' => _output.Append($"\\u{(int)character:x4}"),
                _ => _output.Append(character),
            };
        }
        _output.Append('"');
    }
}
