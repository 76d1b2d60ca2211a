namespace Beear.Text.Templates;

/// <summary>What a loop does after a statement.</summary>
internal enum Flow { Next, Break, Continue }

/// <summary>A part of a template that writes output or sets variables.</summary>
internal abstract class Statement(Position at)
{
    public Flow Execute(Scope scope)
    {
        scope.State.Enter();
        try
        {
            return Run(scope);
        }
        catch (TemplateException failure) when (failure.Locate(at))
        {
            throw;
        }
        finally
        {
            scope.State.Leave();
        }
    }

    protected abstract Flow Run(Scope scope);
}

/// <summary>Statements in a row, up to a break or continue.</summary>
internal sealed class Body(List<Statement> statements)
{
    public Flow Execute(Scope scope)
    {
        foreach (var statement in statements)
        {
            var flow = statement.Execute(scope);
            if (flow != Flow.Next) return flow;
        }
        return Flow.Next;
    }
}

internal sealed class PlainText(string text, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        scope.State.Emit(text);
        return Flow.Next;
    }
}

internal sealed class Output(Expression value, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        scope.State.Emit(PythonRepr.Str(value.Evaluate(scope), scope.State));
        return Flow.Next;
    }
}

internal sealed class If(List<(Expression Condition, Body Body)> branches, Body? otherwise, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        foreach (var (condition, body) in branches)
        {
            if (Values.IsTrue(condition.Evaluate(scope))) return body.Execute(scope);
        }
        return otherwise?.Execute(scope) ?? Flow.Next;
    }
}

/// <summary>Where a value is stored: a name, an attribute of a namespace, or several targets for an unpacked value.</summary>
internal sealed class Target(string name, string? attribute, List<Target>? parts)
{
    public void Assign(Scope scope, object? value)
    {
        if (parts is not null) Unpack(scope, parts, value);
        else if (attribute is null) scope.Set(name, value);
        else if (scope.Lookup(name) is NamespaceValue space)
        {
            scope.State.ChargeItems(1);
            space.Attributes[attribute] = value;
        }
        else throw new TemplateException($"'{name}.{attribute}' cannot be set, because '{name}' is not a namespace");
    }

    private static void Unpack(Scope scope, List<Target> parts, object? value)
    {
        var items = Values.Iterate(value, scope.State);
        if (items.Count != parts.Count) throw new TemplateException($"{items.Count} values cannot be assigned to {parts.Count} names");
        for (var i = 0; i < items.Count; i++) parts[i].Assign(scope, items[i]);
    }
}

internal sealed class Set(Target target, Expression value, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        target.Assign(scope, value.Evaluate(scope));
        return Flow.Next;
    }
}

/// <summary><c>{% set name %}…{% endset %}</c> and, without a target, <c>{% filter %}…{% endfilter %}</c>.</summary>
internal sealed class CapturedBlock(Target? target, Expression filtered, Body body, Position at) : Statement(at)
{
    /// <summary>The name under which the filters find the captured text; no template can write it.</summary>
    public const string TextName = "captured text";

    protected override Flow Run(Scope scope)
    {
        var inner = scope.Inner();
        inner.Set(TextName, scope.State.Capture(body, scope.Inner()));
        var value = filtered.Evaluate(inner);
        if (target is not null) target.Assign(scope, value);
        else scope.State.Emit(PythonRepr.Str(value, scope.State));
        return Flow.Next;
    }
}

/// <summary><c>{% with %}</c>: a body with variables of its own, whose values do not see each other.</summary>
internal sealed class With(List<(Target Target, Expression Value)> assignments, Body body, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        var inner = scope.Inner();
        foreach (var (target, value) in assignments) target.Assign(inner, value.Evaluate(scope));
        return body.Execute(inner);
    }
}

/// <summary><c>{% generation %}</c>: text that the model writes.</summary>
internal sealed class Generation(Body body, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        scope.State.EmitGenerated(scope.State.Capture(body, scope.Inner()));
        return Flow.Next;
    }
}
