using System.Numerics;

namespace Beear.Text.Templates;

/// <summary>Equality, order, membership and the binary operators, as in Python.</summary>
internal static class Operators
{
    public static bool AreEqual(object? left, object? right, RenderState state)
    {
        if (left is string text && right is string other)
        {
            if (text.Length != other.Length) return false;
            state.Charge(text.Length);
            return text == other;
        }
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right)) return Numbers.Compare(left, right) == 0;
        if (left is List<object?> or Mapping && left.GetType() == right?.GetType()) return HaveEqualItems(left, right, state);
        return left is Undefined && right is Undefined || Equals(left, right);
    }

    /// <summary>The order of two values; null if neither is less, as with NaN.</summary>
    public static int? Compare(object? left, object? right, RenderState state)
    {
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right)) return Numbers.Compare(left, right);
        if (left is string text && right is string other)
        {
            state.Charge(Math.Min(text.Length, other.Length));
            return PythonText.Compare(text, other);
        }
        if (left is List<object?> first && right is List<object?> second
            && left.GetType() == right.GetType()) return CompareItems(first, second, state);
        if ((left as Undefined ?? right as Undefined) is { } undefined) throw undefined.Fail();
        throw new TemplateException($"{Values.Describe(left)} and {Values.Describe(right)} have no order");
    }

    public static bool Contains(object? container, object? item, RenderState state)
    {
        switch (container)
        {
            case string text:
                var pattern = Values.ToText(item, "what is sought in a string");
                state.ChargeSearch(text, pattern);
                return text.Contains(pattern, StringComparison.Ordinal);
            case Mapping mapping:
                state.ChargeKey(item);
                return mapping.Contains(item);
            default:
                foreach (var candidate in Values.Iterate(container, state))
                {
                    state.Charge(2);
                    if (AreEqual(candidate, item, state)) return true;
                }
                return false;
        }
    }

    public static object? Binary(string symbol, object? left, object? right, RenderState state)
    {
        if (symbol == "%" && left is string pattern) return PercentFormat.Format(pattern, right, state);
        if ((left as Undefined ?? right as Undefined) is { } undefined) throw undefined.Fail();
        return symbol switch
        {
            "+" when left is string a && right is string b => Join(a, b, state),
            "+" when left is List<object?> a && right is List<object?> b && a.GetType() == b.GetType() => Join(a, b, state),
            "*" when left is string or List<object?> && Numbers.IsInteger(right) => Repeat(left, right, state),
            "*" when right is string or List<object?> && Numbers.IsInteger(left) => Repeat(right, left, state),
            _ when Numbers.IsNumber(left) && Numbers.IsNumber(right) => Numbers.Compute(symbol, left, right, state),
            _ => throw new TemplateException($"'{symbol}' does not apply to {Values.Describe(left)} and {Values.Describe(right)}"),
        };
    }

    private static string Join(string left, string right, RenderState state)
    {
        state.Charge((long)left.Length + right.Length);
        return left + right;
    }

    private static List<object?> Join(List<object?> left, List<object?> right, RenderState state)
    {
        state.ChargeItems((long)left.Count + right.Count);
        return left is TupleValue ? new TupleValue([.. left, .. right]) : [.. left, .. right];
    }

    private static object Repeat(object value, object? times, RenderState state)
    {
        if (times is BigInteger { Sign: > 0 }) throw new TemplateException("a text or list is to be repeated too many times");
        var count = Math.Clamp(Values.ToInteger(times), 0, int.MaxValue);
        if (value is string text)
        {
            state.Charge(count * text.Length);
            return text.Length == 0 ? "" : string.Concat(Enumerable.Repeat(text, (int)count));
        }
        var list = (List<object?>)value;
        state.ChargeItems(count * list.Count);
        var items = list.Count == 0 ? [] : Enumerable.Repeat(list, (int)count).SelectMany(part => part);
        return list is TupleValue ? new TupleValue(items) : items.ToList();
    }

    private static bool HaveEqualItems(object left, object? right, RenderState state)
    {
        state.Enter();
        var equal = left is Mapping mapping
            ? HaveEqualEntries(mapping, (Mapping)right!, state) : HaveEqualItems((List<object?>)left, (List<object?>)right!, state);
        state.Leave();
        return equal;
    }

    private static bool HaveEqualItems(List<object?> left, List<object?> right, RenderState state)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
        {
            if (!AreEqual(left[i], right[i], state)) return false;
        }
        return true;
    }

    private static bool HaveEqualEntries(Mapping left, Mapping right, RenderState state)
    {
        if (left.Count != right.Count) return false;
        foreach (var (key, value) in left)
        {
            state.ChargeKey(key);
            if (!right.TryGet(key, out var other) || !AreEqual(value, other, state)) return false;
        }
        return true;
    }

    private static int? CompareItems(List<object?> left, List<object?> right, RenderState state)
    {
        state.Enter();
        var at = 0;
        while (at < left.Count && at < right.Count && AreEqual(left[at], right[at], state)) at++;
        var order = at < left.Count && at < right.Count ? Compare(left[at], right[at], state) : left.Count.CompareTo(right.Count);
        state.Leave();
        return order;
    }
}
