using System.Globalization;
using System.Numerics;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>
/// The <c>tojson</c> filter as transformers has it: Python's <c>json.dumps</c>, with non-ASCII characters as they are unless asked
/// otherwise.
/// </summary>
internal sealed class Json
{
    private readonly StringBuilder _output = new();
    private readonly RenderState _state;
    private readonly string? _indent;
    private readonly bool _onlyAscii;
    private readonly bool _sortKeys;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private Json(Arguments arguments, RenderState state)
    {
        _state = state;
        _onlyAscii = arguments.Flag(0, "ensure_ascii");
        _indent = arguments.Get(1, "indent") switch
        {
            null => null,
            string text => text,
            var width => Blanks(Values.ToInteger(width)),
        };
        _sortKeys = arguments.Flag(3, "sort_keys");
        (_itemSeparator, _keySeparator) = arguments.Get(2, "separators") switch
        {
            null => (_indent is null ? ", " : ",", ": "),
            List<object?> { Count: 2 } pair => (Values.ToText(pair[0], "a separator"), Values.ToText(pair[1], "a separator")),
            _ => throw new TemplateException("the 'separators' of 'tojson' are two strings"),
        };
    }

    public static string Filter(object? value, Arguments arguments, RenderState state)
    {
        var writer = new Json(arguments, state);
        writer.Write(value, 0);
        return writer._output.ToString();
    }

    private string Blanks(long width)
    {
        _state.Charge(Math.Max(0, width));
        return new string(' ', (int)Math.Max(0, width));
    }

    private void Write(object? value, int depth)
    {
        _state.Enter();
        switch (value)
        {
            case string text: WriteText(text); break;
            case List<object?> list: WriteItems('[', ']', list, depth, item => Write(item, depth + 1)); break;
            case Mapping mapping:
                WriteItems('{', '}', Pairs(mapping), depth, pair =>
                {
                    WriteText(Key(pair.Key));
                    Append(_keySeparator);
                    Write(pair.Value, depth + 1);
                });
                break;
            default: Append(Scalar(value) ?? throw Unfit(value)); break;
        }
        _state.Leave();
    }

    private static string? Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        double number => double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0
            ? "Infinity" : "-Infinity" : PythonRepr.Float(number),
        _ => null,
    };

    private static string Key(object? key) => key as string ?? Scalar(key)
        ?? throw new TemplateException($"{Values.Describe(key)} cannot be a key in JSON");

    private static TemplateException Unfit(object? value) =>
        new(value is Undefined undefined
            ? $"an undefined value cannot be written as JSON: {undefined.Message}" : $"{Values.Describe(value)} cannot be written as JSON");

    private List<KeyValuePair<object?, object?>> Pairs(Mapping mapping)
    {
        _state.ChargeItems(mapping.Count);
        if (!_sortKeys) return mapping.ToList();
        var items = CollectionMethods.Items(mapping, _state).Items;
        return Sorting.Sorted(items, pair => ((TupleValue)pair!)[0], reverse: false, _state)
            .ConvertAll(pair => KeyValuePair.Create(((TupleValue)pair!)[0], ((TupleValue)pair)[1]));
    }

    private void WriteItems<T>(char open, char close, List<T> items, int depth, Action<T> write)
    {
        _output.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) Append(_itemSeparator);
            WriteLineBreak(depth + 1);
            write(items[i]);
        }
        if (items.Count > 0) WriteLineBreak(depth);
        _output.Append(close);
    }

    private void WriteLineBreak(int depth)
    {
        if (_indent is null) return;
        Append("\n");
        for (var i = 0; i < depth; i++) Append(_indent);
    }

    private void Append(string text) => _state.Append(_output, text);

    private void WriteText(string text)
    {
        _state.Charge(4L * text.Length);
        Append("\"");
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
                >= '\x7f' when _onlyAscii && character != '\x7f' => _output.Append($"\\u{(int)character:x4}"),
                _ => _output.Append(character),
            };
        }
        _output.Append('"');
    }
}
