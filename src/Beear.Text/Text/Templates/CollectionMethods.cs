namespace Beear.Text.Templates;

/// <summary>The methods of mappings, lists and tuples; those that change the object are not given out, as in transformers.</summary>
internal static class CollectionMethods
{
    public static object? Find(Mapping mapping, string name) => name switch
    {
        "items" => new Callable(name, (_, state) => Items(mapping, state)),
        "keys" => new Callable(name, (_, state) => View("dict_keys", mapping.Keys, mapping.Count, state)),
        "values" => new Callable(name, (_, state) => View("dict_values", mapping.Values, mapping.Count, state)),
        "get" => new Callable(name, (arguments, state) =>
        {
            state.ChargeKey(arguments.Require(0, "key"));
            return mapping.TryGet(arguments.Get(0, "key"), out var value) ? value : arguments.Get(1, "default");
        }),
        "copy" => new Callable(name, (_, state) => Copy(mapping, state)),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => Undefined.Forbidden(mapping, name),
        _ => null,
    };

    public static object? Find(List<object?> list, string name) => name switch
    {
        "copy" => new Callable(name, (_, state) =>
        {
            state.ChargeItems(list.Count);
            return list.ToList();
        }),
        "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort" => Undefined.Forbidden(list, name),
        _ => FindInTuple(list, name),
    };

    public static Callable? FindInTuple(List<object?> list, string name) => name switch
    {
        "index" => new Callable(name, (arguments, state) => Index(list, arguments, state)),
        "count" => new Callable(name, (arguments, state) =>
        {
            state.Charge(list.Count);
            return (long)list.Count(item => Operators.AreEqual(item, arguments.Require(0, "value"), state));
        }),
        _ => null,
    };

    public static MappingView Items(Mapping mapping, RenderState state)
    {
        state.ChargeItems(3L * mapping.Count);
        return new MappingView("dict_items", mapping.Select(pair => (object?)new TupleValue([pair.Key, pair.Value])).ToList());
    }

    public static Mapping Copy(Mapping mapping, RenderState state)
    {
        state.ChargeItems(2L * mapping.Count);
        state.Charge(mapping.KeyLength);
        var copy = new Mapping();
        copy.AddAll(mapping);
        return copy;
    }

    private static MappingView View(string kind, IEnumerable<object?> items, int count, RenderState state)
    {
        state.ChargeItems(count);
        return new MappingView(kind, items.ToList());
    }

    private static long Index(List<object?> list, Arguments arguments, RenderState state)
    {
        state.Charge(list.Count);
        var value = arguments.Require(0, "value");
        var index = list.FindIndex(item => Operators.AreEqual(item, value, state));
        return index >= 0 ? index : throw new TemplateException("the value is not in the list");
    }
}
