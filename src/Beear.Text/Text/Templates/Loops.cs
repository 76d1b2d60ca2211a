namespace Beear.Text.Templates;

internal sealed class For(Target target, Expression source, Expression? filter, bool isRecursive, Body body, Body? otherwise, Position at)
    : Statement(at)
{
    protected override Flow Run(Scope scope) => Loop(scope, source.Evaluate(scope), depth: 0);

    private Flow Loop(Scope scope, object? iterable, int depth)
    {
        if (!Values.IsIterable(iterable)) throw new TemplateException($"{Values.Describe(iterable)} cannot be iterated");
        var items = Values.Iterate(iterable, scope.State);
        if (filter is not null) items = items.Where(item => Passes(filter, item, scope)).ToList();
        var loop = new LoopValue(items, depth, isRecursive ? inner => Recurse(scope, inner, depth + 1) : null);
        // As in jinja2, else also runs if no iteration came to the end of the body.
        var isAnyComplete = false;
        for (; loop.Index < items.Count; loop.Index++)
        {
            scope.State.Step();
            var inner = scope.Inner();
            inner.Set("loop", loop);
            target.Assign(inner, items[loop.Index]);
            var flow = body.Execute(inner);
            if (flow == Flow.Break) break;
            isAnyComplete |= flow == Flow.Next;
        }
        if (!isAnyComplete) return otherwise?.Execute(scope.Inner()) ?? Flow.Next;
        return Flow.Next;
    }

    private string Recurse(Scope scope, object? iterable, int depth)
    {
        scope.State.Enter();
        var text = scope.State.Capture(() => Loop(scope, iterable, depth));
        scope.State.Leave();
        return text;
    }

    private bool Passes(Expression condition, object? item, Scope scope)
    {
        scope.State.ChargeItems(1);
        var inner = scope.Inner();
        target.Assign(inner, item);
        return Values.IsTrue(condition.Evaluate(inner));
    }
}

internal sealed class Jump(Flow flow, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope) => flow;
}

/// <summary>The <c>loop</c> variable of a for block.</summary>
internal sealed class LoopValue(List<object?> items, int depth, Func<object?, string>? recurse)
{
    private object? _lastChanged = new Undefined("nothing was compared yet");

    public int Index { get; set; }

    public int Count => items.Count;

    public string Recurse(object? iterable) =>
        recurse is null ? throw new TemplateException("only a loop marked 'recursive' can be called") : recurse(iterable);

    public object? Attribute(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)items.Count - Index,
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "depth" => depth + 1L,
        "depth0" => (long)depth,
        "previtem" => Index > 0 ? new Present(items[Index - 1]) : new Undefined("there is no previous item"),
        "nextitem" => Index + 1 < items.Count ? new Present(items[Index + 1]) : new Undefined("there is no next item"),
        "cycle" => new Callable("cycle", (arguments, _) => arguments.Positional.Count > 0
            ? arguments.Positional[Index % arguments.Positional.Count]
            : throw new TemplateException("loop.cycle needs values")),
        "changed" => new Callable("changed", (arguments, state) => Changed(arguments, state)),
        _ => null,
    };

    private bool Changed(Arguments arguments, RenderState state)
    {
        var changed = !Operators.AreEqual(_lastChanged, arguments.Positional, state);
        _lastChanged = arguments.Positional;
        return changed;
    }
}
