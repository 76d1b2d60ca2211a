using System.Globalization;

namespace Beear.Text.Templates;

/// <summary>Truth, equality, order and arithmetic of values, as in Python.</summary>
internal static class Operators
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        Dictionary<string, object?> dictionary => dictionary.Count > 0,
        _ => true,
    };

    public static string TypeName(object? value) => value switch
    {
        null => "none",
        Undefined => "an undefined value",
        bool => "a boolean",
        long => "an integer",
        double => "a float",
        string => "a string",
        List<object?> => "a list",
        Dictionary<string, object?> => "a mapping",
        Callable => "a function",
        NamespaceValue => "a namespace",
        _ => "a loop",
    };

    public static long ToInteger(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        Undefined undefined => throw undefined.Fail(),
        _ => throw new TemplateException($"an integer is needed, but there is {TypeName(value)}"),
    };

    /// <summary>The number a value is, or null; booleans count as 0 and 1.</summary>
    public static double? ToNumber(object? value) => value switch
    {
        long number => number,
        double number => number,
        bool flag => flag ? 1 : 0,
        _ => null,
    };

    /// <summary>The items of a list, keys of a mapping, characters of a string; undefined has none.</summary>
    public static List<object?> Iterate(object? value, RenderState state)
    {
        state.Charge(value);
        return value switch
        {
            List<object?> list => list,
            Dictionary<string, object?> dictionary => dictionary.Keys.ToList<object?>(),
            string text => PythonText.Characters(text),
            Undefined => [],
            _ => throw new TemplateException($"{TypeName(value)} cannot be iterated"),
        };
    }

    public static bool AreEqual(object? left, object? right, RenderState state)
    {
        if (left is long a && right is long b) return a == b;
        if (ToNumber(left) is { } x && ToNumber(right) is { } y) return x.Equals(y) || (x == 0 && y == 0);
        if (left is string text && right is string other)
        {
            if (text.Length != other.Length) return false;
            state.Charge(text.Length);
            return text == other;
        }
        if (left is Undefined) return right is Undefined;
        state.Enter();
        var equal = (left, right) switch
        {
            (List<object?> first, List<object?> second) =>
                first.Count == second.Count && !first.Where((item, i) => !AreEqual(item, second[i], state)).Any(),
            (Dictionary<string, object?> first, Dictionary<string, object?> second) =>
                first.Count == second.Count
                && first.All(pair => second.TryGetValue(pair.Key, out var value) && AreEqual(pair.Value, value, state)),
            _ => ReferenceEquals(left, right),
        };
        state.Leave();
        return equal;
    }

    public static int Compare(object? left, object? right, RenderState state)
    {
        if (left is long a && right is long b) return a.CompareTo(b);
        if (ToNumber(left) is { } x && ToNumber(right) is { } y) return x.CompareTo(y);
        if (left is string text && right is string other)
        {
            state.Charge(Math.Min(text.Length, other.Length));
            return string.CompareOrdinal(text, other);
        }
        if (left is List<object?> first && right is List<object?> second)
        {
            state.Enter();
            var order = 0;
            for (var i = 0; order == 0 && i < Math.Min(first.Count, second.Count); i++)
            {
                if (!AreEqual(first[i], second[i], state)) order = Compare(first[i], second[i], state);
            }
            state.Leave();
            return order != 0 ? order : first.Count.CompareTo(second.Count);
        }
        if ((left as Undefined ?? right as Undefined) is { } undefined) throw undefined.Fail();
        throw new TemplateException($"{TypeName(left)} and {TypeName(right)} have no order");
    }

    public static bool Contains(object? container, object? item, RenderState state)
    {
        switch (container)
        {
            case string text:
                var pattern = item as string ?? throw new TemplateException($"a string is searched for {TypeName(item)}, which is not a string");
                state.ChargeSearch(text, pattern);
                return text.Contains(pattern, StringComparison.Ordinal);
            case Dictionary<string, object?> dictionary:
                return item is string key && dictionary.ContainsKey(key);
            default:
                return Iterate(container, state).Any(candidate => AreEqual(candidate, item, state));
        }
    }

    public static object? Binary(string symbol, object? left, object? right, RenderState state)
    {
        if ((left as Undefined ?? right as Undefined) is { } undefined) throw undefined.Fail();
        try
        {
            return symbol switch
            {
                "+" when left is string a && right is string b => Join(a, b, state),
                "+" when left is List<object?> a && right is List<object?> b => Join(a, b, state),
                "*" when left is string or List<object?> => Repeat(left, ToInteger(right), state),
                "*" when right is string or List<object?> => Repeat(right, ToInteger(left), state),
                _ when ToNumber(left) is { } x && ToNumber(right) is { } y =>
                    left is double || right is double ? Floats(symbol, x, y) : Integers(symbol, ToInteger(left), ToInteger(right)),
                _ => throw new TemplateException($"'{symbol}' does not apply to {TypeName(left)} and {TypeName(right)}"),
            };
        }
        catch (OverflowException failure)
        {
            throw new TemplateException($"the result of '{symbol}' is too large for an integer", failure);
        }
    }

    public static string Join(string left, string right, RenderState state)
    {
        state.Charge((long)left.Length + right.Length);
        return left + right;
    }

    private static List<object?> Join(List<object?> left, List<object?> right, RenderState state)
    {
        state.Charge((long)left.Count + right.Count);
        return [.. left, .. right];
    }

    private static object Repeat(object? value, long times, RenderState state)
    {
        times = Math.Max(0, times);
        var size = value is string text ? text.Length : ((List<object?>)value!).Count;
        if (size == 0) times = 0;
        state.Charge(times > int.MaxValue ? long.MaxValue / 2 : times * size);
        return value is string part
            ? string.Concat(Enumerable.Repeat(part, (int)times))
            : Enumerable.Repeat((List<object?>)value!, (int)times).SelectMany(items => items).ToList();
    }

    private static double Floats(string symbol, double left, double right) => symbol switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "**" => Math.Pow(left, right),
        _ when right == 0 => throw new TemplateException("a division by zero"),
        "/" => left / right,
        "//" => Math.Floor(left / right),
        _ => left - right * Math.Floor(left / right),
    };

    private static object Integers(string symbol, long left, long right) => checked(symbol switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "**" when right < 0 => Math.Pow(left, right),
        "**" => Power(left, right),
        _ when right == 0 => throw new TemplateException("a division by zero"),
        "/" => (double)left / right,
        "//" => left / right - (left % right != 0 && left % right < 0 != right < 0 ? 1 : 0),
        _ => (object)(right == -1 ? 0 : left % right != 0 && left % right < 0 != right < 0 ? left % right + right : left % right),
    });

    private static long Power(long value, long exponent)
    {
        if (value is 0 or 1 or -1) return exponent == 0 ? 1 : value == -1 && exponent % 2 == 0 ? 1 : value;
        var result = 1L;
        for (var i = 0L; i < exponent; i++) result = checked(result * value);
        return result;
    }

    /// <summary>A Python float or integer written as text, or null.</summary>
    public static double? ParseNumber(string text) =>
        double.TryParse(PythonText.Strip(text), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;
}
