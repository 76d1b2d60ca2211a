namespace Beear.Text.Templates;

/// <summary>Jinja's filters of lists, mappings and the characters of strings.</summary>
internal static class SequenceFilters
{
    public static Dictionary<string, Filters.Filter> All { get; } = new(StringComparer.Ordinal)
    {
        ["length"] = (value, _, _) => Values.Count(value) is { } count
            ? (long)count : throw new TemplateException($"{Values.Describe(value)} has no length"),
        ["first"] = (value, _, state) => First(value, state),
        ["last"] = (value, _, state) => Last(value, state),
        ["list"] = (value, _, state) => Copy(value, state),
        ["items"] = Items,
        ["sort"] = (value, arguments, state) =>
        {
            var key = ItemKey.Several(arguments.Get(2, "attribute"), arguments.Flag(1, "case_sensitive"), state);
            return Sorting.Sorted(Values.Iterate(value, state), key, arguments.Flag(0, "reverse"), state);
        },
        ["dictsort"] = SortMapping,
        ["groupby"] = GroupBy,
        ["unique"] = (value, arguments, state) => new Generator("generator object sync_do_unique", Unique(value, arguments, state)),
        ["reverse"] = Reverse,
        ["join"] = Join,
        ["map"] = (value, arguments, state) => new Generator("generator object sync_do_map", Map(value, arguments, state)),
        ["select"] = (value, arguments, state) => Select("select", value, arguments, state, byAttribute: false, keep: true),
        ["reject"] = (value, arguments, state) => Select("reject", value, arguments, state, byAttribute: false, keep: false),
        ["selectattr"] = (value, arguments, state) => Select("select", value, arguments, state, byAttribute: true, keep: true),
        ["rejectattr"] = (value, arguments, state) => Select("reject", value, arguments, state, byAttribute: true, keep: false),
        ["sum"] = Sum,
        ["min"] = (value, arguments, state) => Extreme(value, arguments, state, sign: -1),
        ["max"] = (value, arguments, state) => Extreme(value, arguments, state, sign: 1),
        ["batch"] = (value, arguments, state) => new Generator("generator object do_batch", Batch(value, arguments, state)),
        ["slice"] = (value, arguments, state) => new Generator("generator object sync_do_slice", Slices(value, arguments, state)),
    };

    private static object? First(object? value, RenderState state)
    {
        if (value is Generator generator) return generator.TryNext(out var item)
            ? item : new Undefined("No first item, sequence was empty.");
        return Values.Iterate(value, state) is [var first, ..] ? first : new Undefined("No first item, sequence was empty.");
    }

    private static object? Last(object? value, RenderState state)
    {
        if (value is Generator) throw new TemplateException("an iterator has no last item; make it a list first");
        return Values.Iterate(value, state) is [.., var last] ? last : new Undefined("No last item, sequence was empty.");
    }

    private static List<object?> Copy(object? value, RenderState state)
    {
        var items = Values.Iterate(value, state);
        state.ChargeItems(items.Count);
        return items.ToList();
    }

    private static Generator Items(object? value, Arguments arguments, RenderState state) => value switch
    {
        Mapping mapping => new Generator("generator object do_items", CollectionMethods.Items(mapping, state).Items),
        Undefined => new Generator("generator object do_items", []),
        _ => throw Filters.Unfit("items", value),
    };

    private static List<object?> SortMapping(object? value, Arguments arguments, RenderState state)
    {
        var mapping = value as Mapping ?? throw Filters.Unfit("dictsort", value);
        var part = arguments.Get(1, "by", "key") switch
        {
            "key" => 0L,
            "value" => 1L,
            _ => throw new TemplateException("'dictsort' sorts by 'key' or by 'value'"),
        };
        var key = ItemKey.Of(part, arguments.Flag(0, "case_sensitive"), null, state);
        return Sorting.Sorted(CollectionMethods.Items(mapping, state).Items, key, arguments.Flag(2, "reverse"), state);
    }

    private static List<object?> GroupBy(object? value, Arguments arguments, RenderState state)
    {
        var caseSensitive = arguments.Flag(2, "case_sensitive");
        var (path, fallback) = (arguments.Require(0, "attribute"), arguments.Get(1, "default"));
        var key = ItemKey.Of(path, caseSensitive, fallback, state);
        var shown = ItemKey.Of(path, caseSensitive: true, fallback, state);
        var groups = new List<object?>();
        List<object?> group = [];
        object? last = null;
        foreach (var item in Sorting.Sorted(Values.Iterate(value, state), key, reverse: false, state))
        {
            var current = key(item);
            if (groups.Count == 0 || !Operators.AreEqual(last, current, state))
            {
                state.ChargeItems(3);
                groups.Add(new TupleValue([shown(item), group = []], "grouper", "list"));
            }
            state.ChargeItems(1);
            group.Add(item);
            last = current;
        }
        return groups;
    }

    private static IEnumerable<object?> Unique(object? value, Arguments arguments, RenderState state)
    {
        var key = ItemKey.Of(arguments.Get(1, "attribute"), arguments.Flag(0, "case_sensitive"), null, state);
        var seen = new HashSet<MappingKey>();
        foreach (var item in Values.Iterate(value, state))
        {
            var compared = key(item);
            state.ChargeItems(2);
            state.ChargeKey(compared);
            if (seen.Add(new MappingKey(compared))) yield return item;
        }
    }

    private static object Reverse(object? value, Arguments arguments, RenderState state)
    {
        var items = Copy(value, state);
        items.Reverse();
        return value switch
        {
            string => string.Concat(items),
            Generator => items,
            _ => new Generator("list_reverseiterator object", items),
        };
    }

    private static string Join(object? value, Arguments arguments, RenderState state)
    {
        var key = ItemKey.Of(arguments.Get(1, "attribute"), caseSensitive: true, null, state);
        var texts = Values.Iterate(value, state).ConvertAll(item => PythonRepr.Str(key(item), state));
        return StringMethods.Join(PythonRepr.Str(arguments.Get(0, "d", ""), state), texts, state);
    }

    private static IEnumerable<object?> Map(object? value, Arguments arguments, RenderState state)
    {
        if (!Values.IsTrue(value)) yield break;
        var byName = arguments.Positional.Count > 0;
        if (!byName && !arguments.Named.ContainsKey("attribute")) throw new TemplateException(
            "'map' needs a filter's name or an attribute");
        var key = byName ? null : ItemKey.Of(arguments.Named["attribute"], caseSensitive: true,
            arguments.Named.GetValueOrDefault("default"), state);
        var rest = byName ? arguments.Skip(1) : Arguments.None;
        foreach (var item in Values.Iterate(value, state))
        {
            state.Step();
            yield return key is not null ? key(item) : Filters.Apply(arguments.RequireText(0, "filter"), item, rest, state);
        }
    }

    private static Generator Select(string name, object? value, Arguments arguments, RenderState state, bool byAttribute, bool keep)
    {
        var skipped = byAttribute ? 1 : 0;
        IEnumerable<object?> Selected()
        {
            if (!Values.IsTrue(value)) yield break;
            var key = ItemKey.Of(byAttribute ? arguments.Require(0, "attribute") : null, caseSensitive: true, null, state);
            var test = arguments.Positional.Count > skipped ? arguments.RequireText(skipped, "test") : null;
            var rest = arguments.Skip(skipped + 1);
            foreach (var item in Values.Iterate(value, state))
            {
                state.Step();
                var passes = test is null ? Values.IsTrue(key(item)) : Tests.Apply(test, key(item), rest, state);
                if (passes == keep) yield return item;
            }
        }
        return new Generator($"generator object sync_do_{name}{(byAttribute ? "attr" : "")}", Selected());
    }

    private static object? Sum(object? value, Arguments arguments, RenderState state)
    {
        var key = ItemKey.Of(arguments.Get(0, "attribute"), caseSensitive: true, null, state);
        var total = arguments.Get(1, "start", 0L);
        if (total is string) throw new TemplateException("'sum' does not add strings; use 'join'");
        return Values.Iterate(value, state).Aggregate(total, (sum, item) => Operators.Binary("+", sum, key(item), state));
    }

    private static object? Extreme(object? value, Arguments arguments, RenderState state, int sign)
    {
        var key = ItemKey.Of(arguments.Get(1, "attribute"), arguments.Flag(0, "case_sensitive"), null, state);
        var items = Values.Iterate(value, state);
        if (items.Count == 0) return new Undefined("No aggregated item, sequence was empty.");
        return items.Aggregate((best, item) => Operators.Compare(key(item), key(best), state) * sign > 0 ? item : best);
    }

    private static IEnumerable<object?> Batch(object? value, Arguments arguments, RenderState state)
    {
        var size = Values.ToInteger(arguments.Require(0, "linecount"));
        var fill = arguments.Get(1, "fill_with");
        List<object?> batch = [];
        foreach (var item in Values.Iterate(value, state))
        {
            if (batch.Count == size)
            {
                yield return batch;
                batch = [];
            }
            state.ChargeItems(2);
            batch.Add(item);
        }
        if (batch.Count == 0) yield break;
        if (fill is not null && batch.Count < size)
        {
            state.ChargeItems(size - batch.Count);
            batch.AddRange(Enumerable.Repeat(fill, (int)(size - batch.Count)));
        }
        yield return batch;
    }

    private static IEnumerable<object?> Slices(object? value, Arguments arguments, RenderState state)
    {
        var count = Values.ToInteger(arguments.Require(0, "slices"));
        var fill = arguments.Get(1, "fill_with");
        var items = Values.Iterate(value, state);
        if (count == 0) throw new TemplateException("'slice' needs a number of slices that is not zero");
        state.ChargeItems(items.Count + Math.Max(0, count));
        var (each, longer, start) = (items.Count / Math.Max(1, count), items.Count % Math.Max(1, count), 0);
        for (var i = 0; i < count; i++)
        {
            var size = (int)each + (i < longer ? 1 : 0);
            var slice = items.GetRange(start, size);
            if (fill is not null && i >= longer) slice.Add(fill);
            start += size;
            yield return slice;
        }
    }
}
