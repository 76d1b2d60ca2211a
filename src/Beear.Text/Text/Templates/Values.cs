using System.Numerics;

namespace Beear.Text.Templates;

/// <summary>What can be asked of any value: its truth, its type, its items, its length.</summary>
internal static class Values
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        _ => Count(value) != 0,
    };

    /// <summary>The length of a value that has one, else null.</summary>
    public static int? Count(object? value) => value switch
    {
        string text => PythonText.Length(text),
        List<object?> list => list.Count,
        Mapping mapping => mapping.Count,
        MappingView view => view.Items.Count,
        RangeValue range => range.Count,
        LoopValue loop => loop.Count,
        Undefined => 0,
        _ => null,
    };

    /// <summary>A value's type in words, with an article.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "none",
        Undefined => "an undefined value",
        bool => "a boolean",
        long or BigInteger => "an integer",
        double => "a float",
        string => "a string",
        TupleValue => "a tuple",
        List<object?> => "a list",
        Mapping => "a mapping",
        Callable => "a function",
        NamespaceValue => "a namespace",
        RangeValue => "a range",
        LoopValue => "a loop",
        _ => "an iterator",
    };

    /// <summary>The name of a value's type in Python.</summary>
    public static string PythonType(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        string => "str",
        TupleValue => "tuple",
        List<object?> => "list",
        Mapping => "dict",
        MappingView view => view.Kind,
        RangeValue => "range",
        Generator => "generator",
        NamespaceValue => "jinja2.utils.Namespace",
        LoopValue => "jinja2.runtime.LoopContext",
        Callable { IsMacro: true } => "jinja2.runtime.Macro",
        Callable => "function",
        _ => "jinja2.runtime.Undefined",
    };

    public static long ToInteger(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        BigInteger number => number.Sign > 0 ? long.MaxValue : long.MinValue,
        Undefined undefined => throw undefined.Fail(),
        _ => throw new TemplateException($"an integer is needed, but there is {Describe(value)}"),
    };

    public static string ToText(object? value, string what) => value switch
    {
        string text => text,
        Undefined undefined => throw undefined.Fail(),
        _ => throw new TemplateException($"{what} has to be a string, not {Describe(value)}"),
    };

    public static bool IsIterable(object? value) =>
        value is string or List<object?> or Mapping or MappingView or RangeValue or Generator or Undefined or LoopValue;

    /// <summary>The items of a value, not to be changed: of a mapping its keys, of a string its characters; undefined has none.</summary>
    public static List<object?> Iterate(object? value, RenderState state)
    {
        switch (value)
        {
            case List<object?> list:
                state.Charge(list.Count);
                return list;
            case Mapping mapping:
                state.ChargeItems(mapping.Count);
                return mapping.Keys.ToList();
            case string text:
                state.ChargeItems(text.Length);
                return PythonText.Characters(text);
            case MappingView view:
                state.Charge(view.Items.Count);
                return view.Items;
            case RangeValue range:
                state.ChargeItems(range.Count);
                return Enumerable.Range(0, range.Count).Select(index => (object?)range.At(index)).ToList();
            case Generator generator: return generator.Drain(state);
            case Undefined: return [];
            default: throw new TemplateException($"{Describe(value)} cannot be iterated");
        }
    }
}
