namespace Beear.Text.Templates;

/// <summary>Attributes, items and slices of values.</summary>
internal static class Members
{
    /// <summary><c>value.name</c>: a method or attribute, else the mapping's item of that name.</summary>
    public static object? Attribute(object? value, string name) => value switch
    {
        Undefined undefined => throw undefined.Fail(),
        string text => StringMethods.Find(text, name) ?? (object)new Undefined(name),
        Dictionary<string, object?> mapping =>
            CollectionMethods.Find(mapping, name) ?? (mapping.TryGetValue(name, out var item) ? item : new Undefined(name)),
        List<object?> list => CollectionMethods.Find(list, name) ?? (object)new Undefined(name),
        NamespaceValue space => space.Attributes.TryGetValue(name, out var item) ? item : new Undefined(name),
        LoopValue loop => loop.Attribute(name),
        _ => new Undefined(name),
    };

    /// <summary><c>value[index]</c>; what is not there is undefined.</summary>
    public static object? Item(object? value, object? index, RenderState state)
    {
        switch (value)
        {
            case Undefined undefined: throw undefined.Fail();
            case Dictionary<string, object?> mapping when index is string key && mapping.TryGetValue(key, out var item): return item;
            case List<object?> or string when index is long or bool:
                var items = value as List<object?> ?? Operators.Iterate(value, state);
                var at = Operators.ToInteger(index);
                if (at < 0) at += items.Count;
                return at >= 0 && at < items.Count ? items[(int)at] : new Undefined($"item {Operators.ToInteger(index)}");
            default: return index is string name ? Attribute(value, name) : new Undefined(PythonText.Str(index, state));
        }
    }

    /// <summary><c>value[start:stop:step]</c> of a list or a string, with Python's rules for negative and missing bounds.</summary>
    public static object Slice(object? value, long? start, long? stop, long? step, RenderState state)
    {
        if (value is not (string or List<object?>))
            throw (value as Undefined)?.Fail() ?? new TemplateException($"{Operators.TypeName(value)} cannot be sliced");
        var stride = step ?? 1;
        if (stride == 0) throw new TemplateException("the step of a slice is zero");
        var items = Operators.Iterate(value, state);
        var (low, high) = stride > 0 ? (0L, (long)items.Count) : (-1L, items.Count - 1L);
        var from = Bound(start, stride > 0 ? low : high, low, high, items.Count);
        var to = Bound(stop, stride > 0 ? high : low, low, high, items.Count);
        stride = Math.Clamp(stride, -items.Count - 1L, items.Count + 1L);
        var slice = new List<object?>();
        for (var i = from; stride > 0 ? i < to : i > to; i += stride) slice.Add(items[(int)i]);
        return value is string ? string.Concat(slice) : slice;
    }

    private static long Bound(long? bound, long missing, long low, long high, int count)
    {
        if (bound is not { } at) return missing;
        return Math.Clamp(at < 0 ? at + count : at, low, high);
    }
}

/// <summary>The methods of mappings and lists.</summary>
internal static class CollectionMethods
{
    public static Callable? Find(Dictionary<string, object?> mapping, string name) => name switch
    {
        "items" => new Callable(name, (_, state) => Items(mapping, state)),
        "keys" => new Callable(name, (_, state) => Operators.Iterate(mapping, state)),
        "values" => new Callable(name, (_, state) =>
        {
            state.Charge(mapping);
            return mapping.Values.ToList();
        }),
        "get" => new Callable(name, (arguments, _) =>
            arguments.Require(0, "key") is string key && mapping.TryGetValue(key, out var value) ? value : arguments.Get(1, "default")),
        "copy" => new Callable(name, (_, state) =>
        {
            state.Charge(mapping);
            return new Dictionary<string, object?>(mapping, StringComparer.Ordinal);
        }),
        _ => null,
    };

    public static Callable? Find(List<object?> list, string name) => name switch
    {
        "append" => new Callable(name, (arguments, state) =>
        {
            state.Charge(1);
            list.Add(arguments.Require(0, "object"));
            return null;
        }),
        "extend" => new Callable(name, (arguments, state) =>
        {
            list.AddRange(Operators.Iterate(arguments.Require(0, "iterable"), state).ToList());
            return null;
        }),
        "pop" => new Callable(name, (arguments, _) => Pop(list, arguments.Integer(0, "index", -1))),
        "index" => new Callable(name, (arguments, state) =>
        {
            state.Charge(list);
            var index = list.FindIndex(item => Operators.AreEqual(item, arguments.Require(0, "value"), state));
            return index >= 0 ? (long)index : throw new TemplateException("the value is not in the list");
        }),
        "count" => new Callable(name, (arguments, state) =>
        {
            state.Charge(list);
            return (long)list.Count(item => Operators.AreEqual(item, arguments.Require(0, "value"), state));
        }),
        _ => null,
    };

    public static List<object?> Items(Dictionary<string, object?> mapping, RenderState state)
    {
        state.Charge(mapping);
        return mapping.Select(pair => (object?)new TupleValue([pair.Key, pair.Value])).ToList();
    }

    private static object? Pop(List<object?> list, long index)
    {
        if (index < 0) index += list.Count;
        if (index < 0 || index >= list.Count) throw new TemplateException("'pop' from an index that is not in the list");
        var item = list[(int)index];
        list.RemoveAt((int)index);
        return item;
    }
}
