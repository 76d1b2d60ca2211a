namespace Beear.Text.Templates;

/// <summary>The value of a name or item that does not exist: prints as nothing, and nothing can be asked of it.</summary>
internal sealed record Undefined(string Name)
{
    public TemplateException Fail() => new($"'{Name}' is undefined");
}

/// <summary>A list written with parentheses, or a pair of a mapping; only its print differs from a list's.</summary>
internal sealed class TupleValue(IEnumerable<object?> items) : List<object?>(items);

/// <summary>A <c>namespace()</c>: the only value whose attributes a template can set.</summary>
internal sealed class NamespaceValue(Dictionary<string, object?> attributes)
{
    public Dictionary<string, object?> Attributes => attributes;
}

/// <summary>Something a template can call.</summary>
internal sealed record Callable(string Name, Func<Arguments, RenderState, object?> Call);

/// <summary>The arguments of a call.</summary>
internal sealed class Arguments(List<object?> positional, Dictionary<string, object?> named)
{
    public List<object?> Positional => positional;

    public Dictionary<string, object?> Named => named;

    /// <summary>An argument by position or name, or the fallback.</summary>
    public object? Get(int index, string name, object? fallback = null) =>
        index < positional.Count ? positional[index] : named.GetValueOrDefault(name, fallback);

    public bool Has(int index, string name) => index < positional.Count || named.ContainsKey(name);

    public object? Require(int index, string name) =>
        Has(index, name) ? Get(index, name) : throw new TemplateException($"the argument '{name}' is missing");

    public string RequireText(int index, string name) =>
        Require(index, name) as string ?? throw new TemplateException($"the argument '{name}' has to be a string");

    public bool Flag(int index, string name, bool fallback = false) => Operators.IsTrue(Get(index, name, fallback));

    public long Integer(int index, string name, long fallback) => Operators.ToInteger(Get(index, name, fallback));

    /// <summary>The same arguments without the first <paramref name="count"/>.</summary>
    public Arguments Skip(int count) => new(positional.Skip(count).ToList(), named);
}

/// <summary>The <c>loop</c> variable of a for block; its depth counts recursive loops only, which there are none of.</summary>
internal sealed class LoopValue(List<object?> items)
{
    private object? _lastChanged = new Undefined("loop.changed");

    public int Index { get; set; }

    public object? Attribute(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)items.Count - Index,
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "depth" => 1L,
        "depth0" => 0L,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("loop.previtem"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("loop.nextitem"),
        "cycle" => new Callable("cycle", (arguments, _) => arguments.Positional.Count > 0
            ? arguments.Positional[Index % arguments.Positional.Count]
            : throw new TemplateException("loop.cycle needs values")),
        "changed" => new Callable("changed", (arguments, state) => Changed(arguments, state)),
        _ => new Undefined("loop." + name),
    };

    private bool Changed(Arguments arguments, RenderState state)
    {
        var changed = !Operators.AreEqual(_lastChanged, arguments.Positional, state);
        _lastChanged = arguments.Positional;
        return changed;
    }
}
