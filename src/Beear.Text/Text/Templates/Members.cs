namespace Beear.Text.Templates;

/// <summary>Attributes, items and slices of values, with the rules of jinja2's immutable sandbox.</summary>
internal static class Members
{
    /// <summary><c>value.name</c>: a method or attribute, else the item of that name.</summary>
    public static object? Attribute(object? value, string name, RenderState state)
    {
        if (value is Undefined undefined) throw undefined.Fail();
        state.ChargeKey(name);
        if (Own(value, name) is { } member) return member;
        return value is Mapping mapping && mapping.TryGet(name, out var item) ? item : Missing(value, name, state);
    }

    /// <summary><c>value[index]</c>: an item, else the attribute of that name; what is not there is undefined.</summary>
    public static object? Item(object? value, object? index, RenderState state)
    {
        state.ChargeKey(index);
        switch (value)
        {
            case Undefined undefined: throw undefined.Fail();
            case Mapping mapping when index is not (List<object?> and not TupleValue or Mapping)
                && mapping.TryGet(index, out var item):
                return item;
            case List<object?> list when Numbers.IsInteger(index) && Place(index, list.Count) is { } at: return list[at];
            case RangeValue range when Numbers.IsInteger(index) && Place(index, range.Count) is { } at: return range.At(at);
            case string text when Numbers.IsInteger(index):
                state.Charge(text.Length);
                if (Place(index, PythonText.Length(text)) is { } character) return PythonText.Slice(text, character, character + 1);
                break;
        }
        return (index is string name ? Own(value, name) : null) ?? Missing(value, index, state);
    }

    /// <summary>
    /// <c>value[start:stop:step]</c> of a list, a string or a range, with Python's rules for negative and missing bounds.
    /// </summary>
    public static object Slice(object? value, object? start, object? stop, object? step, RenderState state)
    {
        if (value is Undefined undefined) throw undefined.Fail();
        if (value is not (string or List<object?> or RangeValue)) throw new TemplateException($"{Values.Describe(value)} cannot be sliced");
        var stride = step is null ? 1 : Values.ToInteger(step);
        if (stride == 0) throw new TemplateException("the step of a slice is zero");
        var count = Values.Count(value)!.Value;
        var (low, high) = stride > 0 ? (0L, (long)count) : (-1L, count - 1L);
        var from = Bound(start, stride > 0 ? low : high, low, high, count);
        var to = Bound(stop, stride > 0 ? high : low, low, high, count);
        if (value is RangeValue range)
            return RangeValue.Create(range.Start + from * range.Step, range.Start + to * range.Step,
                long.CreateSaturating((Int128)range.Step * stride));
        stride = Math.Clamp(stride, -count - 1L, count + 1L);
        if (value is string text && stride == 1)
        {
            state.Charge(text.Length);
            return PythonText.Slice(text, (int)from, (int)Math.Max(from, to));
        }
        var slice = Pick(Values.Iterate(value, state), from, to, stride, state);
        return value is string ? string.Concat(slice) : value is TupleValue ? new TupleValue(slice) : slice;
    }

    private static List<object?> Pick(List<object?> items, long from, long to, long stride, RenderState state)
    {
        var count = Math.Max(0, (to - from + stride - Math.Sign(stride)) / stride);
        state.ChargeItems(count);
        var slice = new List<object?>((int)count);
        for (var i = from; stride > 0 ? i < to : i > to; i += stride) slice.Add(items[(int)i]);
        return slice;
    }

    private static long Bound(object? bound, long missing, long low, long high, int count)
    {
        if (bound is null) return missing;
        var at = Values.ToInteger(bound);
        return Math.Clamp(at < 0 ? at + count : at, low, high);
    }

    private static int? Place(object? index, int count)
    {
        var at = Values.ToInteger(index);
        if (at < 0) at += count;
        return at >= 0 && at < count ? (int)at : null;
    }

    /// <summary>A method or attribute that the value has by its type, or null.</summary>
    private static object? Own(object? value, string name)
    {
        if (name.StartsWith("__", StringComparison.Ordinal)
            && name.EndsWith("__", StringComparison.Ordinal)) return Undefined.Forbidden(value, name);
        return value switch
        {
            string text => StringMethods.Find(text, name),
            Mapping mapping => CollectionMethods.Find(mapping, name),
            TupleValue tuple => tuple.Named(name) ?? CollectionMethods.FindInTuple(tuple, name),
            List<object?> list => CollectionMethods.Find(list, name),
            RangeValue range => name switch { "start" => range.Start, "stop" => range.Stop, "step" => range.Step, _ => null },
            NamespaceValue space => space.Attributes.TryGet(name, out var item) ? new Present(item) : null,
            LoopValue loop => loop.Attribute(name),
            Callable { IsMacro: true } macro => name == "name" ? macro.Name : null,
            _ => null,
        } is var found && found is Present present ? present.Value : found;
    }

    private static Undefined Missing(object? value, object? index, RenderState state) =>
        index is string name ? Undefined.Attribute(value, name) : Undefined.Element(value, PythonRepr.Repr(index, state));
}

/// <summary>An attribute that is there, even if its value is none.</summary>
internal sealed record Present(object? Value);
