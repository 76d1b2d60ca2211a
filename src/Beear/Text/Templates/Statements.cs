using System.Text;

namespace Beear.Text.Templates;

/// <summary>What a loop does after a statement.</summary>
internal enum Flow { Next, Break, Continue }

/// <summary>A part of a template that writes output or sets variables.</summary>
internal abstract class Statement(int line)
{
    public Flow Execute(Scope scope, StringBuilder output)
    {
        scope.State.Line = line;
        scope.State.Enter();
        var flow = Run(scope, output);
        scope.State.Leave();
        return flow;
    }

    protected abstract Flow Run(Scope scope, StringBuilder output);
}

/// <summary>Statements in a row, up to a break or continue.</summary>
internal sealed class Body(List<Statement> statements)
{
    public Flow Execute(Scope scope, StringBuilder output)
    {
        foreach (var statement in statements)
        {
            var flow = statement.Execute(scope, output);
            if (flow != Flow.Next) return flow;
        }
        return Flow.Next;
    }

    public string Capture(Scope scope)
    {
        var output = new StringBuilder();
        Execute(scope, output);
        return output.ToString();
    }
}

internal sealed class PlainText(string text, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        scope.State.Emit(output, text);
        return Flow.Next;
    }
}

internal sealed class Output(Expression value, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        scope.State.Emit(output, PythonText.Str(value.Evaluate(scope), scope.State));
        return Flow.Next;
    }
}

internal sealed class If(List<(Expression Condition, Body Body)> branches, Body? otherwise, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        foreach (var (condition, body) in branches)
        {
            if (Operators.IsTrue(condition.Evaluate(scope))) return body.Execute(scope, output);
        }
        return otherwise?.Execute(scope, output) ?? Flow.Next;
    }
}

/// <summary>Where a value is stored: a name, an attribute of a namespace, or several targets for an unpacked value.</summary>
internal sealed class Target(string name, string? attribute, List<Target>? parts)
{
    public void Assign(Scope scope, object? value)
    {
        if (parts is not null) Unpack(scope, parts, value);
        else if (attribute is null) scope.Set(name, value);
        else if (scope.Lookup(name) is NamespaceValue space) space.Attributes[attribute] = value;
        else throw new TemplateException($"'{name}.{attribute}' cannot be set, because '{name}' is not a namespace");
    }

    private static void Unpack(Scope scope, List<Target> parts, object? value)
    {
        var items = Operators.Iterate(value, scope.State);
        if (items.Count != parts.Count) throw new TemplateException($"{items.Count} values cannot be assigned to {parts.Count} names");
        for (var i = 0; i < items.Count; i++) parts[i].Assign(scope, items[i]);
    }
}

internal sealed class For(Target target, Expression source, Expression? filter, Body body, Body? otherwise, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        // A copy: the body may append to the list it runs over.
        var items = Operators.Iterate(source.Evaluate(scope), scope.State).ToList();
        if (filter is not null) items.RemoveAll(item => !Passes(filter, item, scope));
        if (items.Count == 0) return otherwise?.Execute(scope.Inner(), output) ?? Flow.Next;
        var loop = new LoopValue(items);
        for (; loop.Index < items.Count; loop.Index++)
        {
            scope.State.Step();
            var inner = scope.Inner();
            inner.Set("loop", loop);
            target.Assign(inner, items[loop.Index]);
            if (body.Execute(inner, output) == Flow.Break) break;
        }
        return Flow.Next;
    }

    private bool Passes(Expression condition, object? item, Scope scope)
    {
        var inner = scope.Inner();
        target.Assign(inner, item);
        return Operators.IsTrue(condition.Evaluate(inner));
    }
}

internal sealed class Jump(Flow flow, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output) => flow;
}

internal sealed class Set(Target target, Expression value, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        target.Assign(scope, value.Evaluate(scope));
        return Flow.Next;
    }
}

/// <summary><c>{% set name %}…{% endset %}</c> and, without a target, <c>{% filter %}…{% endfilter %}</c>.</summary>
internal sealed class CapturedBlock(Target? target, Expression filtered, Body body, int line) : Statement(line)
{
    /// <summary>The name under which the filters find the captured text; no template can write it.</summary>
    public const string TextName = "captured text";

    protected override Flow Run(Scope scope, StringBuilder output)
    {
        var inner = scope.Inner();
        inner.Set(TextName, body.Capture(scope.Inner()));
        var value = filtered.Evaluate(inner);
        if (target is not null) target.Assign(scope, value);
        else scope.State.Emit(output, PythonText.Str(value, scope.State));
        return Flow.Next;
    }
}

/// <summary>A body with variables of its own: <c>with</c> and <c>generation</c>.</summary>
internal sealed class ScopedBlock(List<(Target Target, Expression Value)> assignments, Body body, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        var inner = scope.Inner();
        foreach (var (target, value) in assignments) target.Assign(inner, value.Evaluate(scope));
        return body.Execute(inner, output);
    }
}

internal sealed class Macro(string name, List<(string Name, Expression? Default)> parameters, Body body, int line) : Statement(line)
{
    protected override Flow Run(Scope scope, StringBuilder output)
    {
        scope.Set(name, new Callable(name, (arguments, _) => Invoke(arguments, scope)));
        return Flow.Next;
    }

    private string Invoke(Arguments arguments, Scope definition)
    {
        if (arguments.Positional.Count > parameters.Count)
            throw new TemplateException($"the macro '{name}' takes at most {parameters.Count} arguments, not {arguments.Positional.Count}");
        if (arguments.Named.Keys.FirstOrDefault(key => parameters.TrueForAll(parameter => parameter.Name != key)) is { } unknown)
            throw new TemplateException($"the macro '{name}' has no parameter '{unknown}'");
        var callerLine = definition.State.Line;
        var scope = definition.Inner();
        for (var i = 0; i < parameters.Count; i++)
        {
            var (parameter, fallback) = parameters[i];
            scope.Set(parameter, arguments.Has(i, parameter) ? arguments.Get(i, parameter)
                : fallback is null ? new Undefined(parameter) : fallback.Evaluate(scope));
        }
        var text = body.Capture(scope);
        definition.State.Line = callerLine;
        return text;
    }
}
