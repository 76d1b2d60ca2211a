namespace Beear.Text.Templates;

/// <summary>Jinja's filters of lists, mappings and the characters of strings.</summary>
internal static class SequenceFilters
{
    public static Dictionary<string, Filters.Filter> All { get; } = Create();

    private static Dictionary<string, Filters.Filter> Create()
    {
        var filters = new Dictionary<string, Filters.Filter>(StringComparer.Ordinal)
        {
            ["length"] = (value, _, state) => value is string text ? PythonText.Length(text) + 0L : Operators.Iterate(value, state).Count,
            ["first"] = (value, _, state) => Operators.Iterate(value, state) is [var first, ..] ? first : new Undefined("the first item of nothing"),
            ["last"] = (value, _, state) => Operators.Iterate(value, state) is [.., var last] ? last : new Undefined("the last item of nothing"),
            ["list"] = (value, _, state) => Operators.Iterate(value, state).ToList(),
            ["items"] = Items,
            ["dictsort"] = SortMapping,
            ["sort"] = Sort,
            ["unique"] = Unique,
            ["reverse"] = Reverse,
            ["join"] = Join,
            ["map"] = Map,
            ["select"] = (value, arguments, state) => Select(value, arguments, state, byAttribute: false, keep: true),
            ["reject"] = (value, arguments, state) => Select(value, arguments, state, byAttribute: false, keep: false),
            ["selectattr"] = (value, arguments, state) => Select(value, arguments, state, byAttribute: true, keep: true),
            ["rejectattr"] = (value, arguments, state) => Select(value, arguments, state, byAttribute: true, keep: false),
            ["sum"] = (value, arguments, state) =>
                Selected(value, arguments.Get(0, "attribute"), state).Aggregate(arguments.Get(1, "start", 0L), (total, item) => Operators.Binary("+", total, item, state)),
            ["min"] = (value, _, state) => Extreme(value, state, largest: false),
            ["max"] = (value, _, state) => Extreme(value, state, largest: true),
            ["batch"] = (value, arguments, state) =>
                Operators.Iterate(value, state).Chunk((int)Math.Clamp(arguments.Integer(0, "linecount", 1), 1, int.MaxValue)).Select(chunk => (object?)chunk.ToList()).ToList(),
        };
        filters["count"] = filters["length"];
        return filters;
    }

    /// <summary>An attribute path such as <c>function.name</c> or <c>0</c>; the item itself without one.</summary>
    private static object? Follow(object? item, object? path, RenderState state)
    {
        if (path is null) return item;
        if (path is long index) return Members.Item(item, index, state);
        var names = path as string ?? throw new TemplateException("the argument 'attribute' has to be a string or an integer");
        foreach (var name in names.Split('.'))
        {
            object? key = long.TryParse(name, out var number) ? number : name;
            item = Members.Item(item, key, state);
        }
        return item;
    }

    private static IEnumerable<object?> Selected(object? value, object? path, RenderState state) =>
        Operators.Iterate(value, state).Select(item => Follow(item, path, state));

    private static List<object?> Items(object? value, Arguments arguments, RenderState state) => value switch
    {
        Dictionary<string, object?> mapping => CollectionMethods.Items(mapping, state),
        Undefined => [],
        _ => throw new TemplateException($"'items' needs a mapping, but there is {Operators.TypeName(value)}"),
    };

    /// <summary>A comparer by the key a sort looks at; strings are compared without case unless told otherwise.</summary>
    private static Comparer<object?> Order(Func<object?, object?> key, bool caseSensitive, RenderState state)
    {
        object? Key(object? item) => key(item) is string text && !caseSensitive ? text.ToLowerInvariant() : key(item);
        return Comparer<object?>.Create((left, right) =>
        {
            state.Step();
            return Operators.Compare(Key(left), Key(right), state);
        });
    }

    private static List<object?> Sorted(List<object?> items, Comparer<object?> order, bool reverse)
    {
        try
        {
            return (reverse ? items.OrderDescending(order) : items.Order(order)).ToList();
        }
        catch (InvalidOperationException failure) when (failure.InnerException is TemplateException cause)
        {
            throw new TemplateException(cause.Message, failure);
        }
    }

    private static List<object?> Sort(object? value, Arguments arguments, RenderState state)
    {
        var path = arguments.Get(2, "attribute");
        var order = Order(item => Follow(item, path, state), arguments.Flag(1, "case_sensitive"), state);
        return Sorted(Operators.Iterate(value, state), order, arguments.Flag(0, "reverse"));
    }

    private static List<object?> SortMapping(object? value, Arguments arguments, RenderState state)
    {
        var mapping = value as Dictionary<string, object?> ?? throw new TemplateException($"'dictsort' needs a mapping, but there is {Operators.TypeName(value)}");
        var part = arguments.Get(1, "by", "key") is "value" ? 1 : 0;
        var order = Order(pair => ((List<object?>)pair!)[part], arguments.Flag(0, "case_sensitive"), state);
        return Sorted(CollectionMethods.Items(mapping, state), order, arguments.Flag(2, "reverse"));
    }

    private static List<object?> Unique(object? value, Arguments arguments, RenderState state)
    {
        var caseSensitive = arguments.Flag(0, "case_sensitive");
        var path = arguments.Get(1, "attribute");
        var (kept, keys) = (new List<object?>(), new List<object?>());
        foreach (var item in Operators.Iterate(value, state))
        {
            var key = Follow(item, path, state);
            if (key is string text && !caseSensitive) key = text.ToLowerInvariant();
            state.Charge(keys.Count);
            if (keys.Exists(seen => Operators.AreEqual(seen, key, state))) continue;
            keys.Add(key);
            kept.Add(item);
        }
        return kept;
    }

    private static object? Reverse(object? value, Arguments arguments, RenderState state)
    {
        var items = Operators.Iterate(value, state).ToList();
        items.Reverse();
        return value is string ? string.Concat(items) : items;
    }

    private static string Join(object? value, Arguments arguments, RenderState state) => StringMethods.Join(
        PythonText.Str(arguments.Get(0, "d", ""), state), Selected(value, arguments.Get(1, "attribute"), state).ToList(), state);

    private static List<object?> Map(object? value, Arguments arguments, RenderState state)
    {
        if (arguments.Positional.Count == 0)
        {
            var path = arguments.Require(0, "attribute");
            var fallback = arguments.Named.GetValueOrDefault("default");
            return Selected(value, path, state).Select(item => item is Undefined && fallback is not null ? fallback : item).ToList();
        }
        var name = arguments.RequireText(0, "filter");
        return Operators.Iterate(value, state).ConvertAll(item => Filters.Apply(name, item, arguments.Skip(1), state));
    }

    private static List<object?> Select(object? value, Arguments arguments, RenderState state, bool byAttribute, bool keep)
    {
        var path = byAttribute ? arguments.Require(0, "attribute") : null;
        var rest = arguments.Skip(byAttribute ? 1 : 0);
        bool Passes(object? item) => rest.Positional.Count == 0
            ? Operators.IsTrue(Follow(item, path, state))
            : Tests.Apply(rest.RequireText(0, "test"), Follow(item, path, state), rest.Skip(1), state);
        return Operators.Iterate(value, state).Where(item => Passes(item) == keep).ToList();
    }

    private static object? Extreme(object? value, RenderState state, bool largest)
    {
        var items = Operators.Iterate(value, state);
        if (items.Count == 0) return new Undefined("the extreme of nothing");
        return items.Aggregate((best, item) => Operators.Compare(item, best, state) > 0 == largest ? item : best);
    }
}
