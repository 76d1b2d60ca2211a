namespace Beear.Text.Templates;

/// <summary>The value of a name or item that does not exist: prints as nothing, and nothing can be asked of it.</summary>
/// <param name="Message">Why it is not there, as jinja2 says it.</param>
internal sealed record Undefined(string Message)
{
    public static Undefined Variable(string name) => new($"'{name}' is undefined");

    public static Undefined Attribute(object? owner, string name) => new($"'{Owner(owner)}' has no attribute '{name}'");

    public static Undefined Element(object? owner, string index) => new($"{Owner(owner)} has no element {index}");

    /// <summary>What the sandbox does not give out: methods that change their object, and Python's inner attributes.</summary>
    public static Undefined Forbidden(object? owner, string name) =>
        new($"access to attribute '{name}' of '{Values.PythonType(owner)}' object is unsafe");

    public TemplateException Fail() => new(Message);

    private static string Owner(object? owner) => owner is null ? "None" : Values.PythonType(owner) + " object";
}

/// <summary>A Python tuple; the pairs of <c>groupby</c> also name their items.</summary>
internal sealed class TupleValue(IEnumerable<object?> items, params string[] names) : List<object?>(items)
{
    /// <summary>The item of that name, or null if there is none.</summary>
    public object? Named(string name) => Array.IndexOf(names, name) is var index and >= 0 ? this[index] : null;
}

/// <summary>A Python generator or iterator: always true, without a length, and empty once it has been read.</summary>
/// <param name="kind">What it prints as.</param>
/// <param name="items">The items, made when they are asked for.</param>
internal sealed class Generator(string kind, IEnumerable<object?> items)
{
    private readonly IEnumerator<object?> _items = items.GetEnumerator();

    public string Kind => kind;

    public bool TryNext(out object? item)
    {
        var exists = _items.MoveNext();
        item = exists ? _items.Current : null;
        return exists;
    }

    public List<object?> Drain(RenderState state)
    {
        var rest = new List<object?>();
        while (TryNext(out var item))
        {
            state.ChargeItems(1);
            rest.Add(item);
        }
        return rest;
    }
}

/// <summary>The keys, values or items of a mapping: can be read again and again, but have no order to index.</summary>
internal sealed record MappingView(string Kind, List<object?> Items);

/// <summary>A <c>range</c>; as in jinja2's sandbox it is not longer than 100,000.</summary>
internal sealed record RangeValue(long Start, long Stop, long Step, int Count)
{
    private const int Longest = 100_000;

    public static RangeValue Create(long start, long stop, long step)
    {
        if (step == 0) throw new TemplateException("the step of 'range' is zero");
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var size = Int128.Abs(step);
        var count = distance <= 0 ? 0 : (distance + size - 1) / size;
        if (count > Longest) throw new TemplateException($"a range is longer than {Longest} numbers");
        return new RangeValue(start, stop, step, (int)count);
    }

    public object At(long index) => Start + index * Step;
}

/// <summary>A <c>namespace()</c>: the only value whose attributes a template can set.</summary>
internal sealed class NamespaceValue(Mapping attributes)
{
    public Mapping Attributes => attributes;
}

/// <summary>Something a template can call.</summary>
internal sealed class Callable(string name, Func<Arguments, RenderState, object?> call)
{
    public string Name => name;

    /// <summary>True for macros, whose name a template can read.</summary>
    public bool IsMacro { get; init; }

    public object? Call(Arguments arguments, RenderState state) => call(arguments, state);
}
