namespace Beear.Text.Templates;

/// <summary>What a filter's <c>attribute</c> argument takes from an item.</summary>
internal static class ItemKey
{
    /// <summary>
    /// The value at a path such as <c>function.name</c> or <c>0</c>, the item itself without one; strings in lower case unless case counts.
    /// </summary>
    public static Func<object?, object?> Of(object? path, bool caseSensitive, object? fallback, RenderState state)
    {
        var parts = Parts(path, state);
        return item =>
        {
            foreach (var part in parts)
            {
                item = Members.Item(item, part, state);
                if (item is Undefined && fallback is not null) item = fallback;
            }
            if (caseSensitive || item is not string text) return item;
            state.Charge(text.Length);
            return TextCase.Lower(text);
        };
    }

    /// <summary>The values at paths between commas, as a list.</summary>
    public static Func<object?, object?> Several(object? paths, bool caseSensitive, RenderState state)
    {
        List<object?> split = paths is string text ? [.. text.Split(',')] : [paths];
        var keys = split.Select(path => Of(path, caseSensitive, null, state)).ToList();
        return item =>
        {
            state.ChargeItems(keys.Count);
            return keys.ConvertAll(key => key(item));
        };
    }

    private static List<object?> Parts(object? path, RenderState state)
    {
        if (path is null) return [];
        if (path is not string text) return [path];
        state.ChargeItems(text.Length);
        return text.Split('.').Select(name => PythonText.All(name, PythonText.IsDigit)
            ? Numbers.ParseInteger(name, 10, state) : name).ToList();
    }
}

/// <summary>Python's sort: stable, also when reversed.</summary>
internal static class Sorting
{
    public static List<object?> Sorted(List<object?> items, Func<object?, object?> key, bool reverse, RenderState state)
    {
        state.ChargeItems(3L * items.Count);
        var order = Comparer<object?>.Create((left, right) =>
        {
            state.Step();
            return Operators.Compare(left, right, state) ?? 0;
        });
        var keyed = items.ConvertAll(item => (Key: key(item), Item: item));
        try
        {
            var sorted = reverse ? keyed.OrderByDescending(pair => pair.Key, order) : keyed.OrderBy(pair => pair.Key, order);
            return sorted.Select(pair => pair.Item).ToList();
        }
        catch (InvalidOperationException failure) when (failure.InnerException is TemplateException cause)
        {
            throw new TemplateException(cause.Message, failure);
        }
    }
}
