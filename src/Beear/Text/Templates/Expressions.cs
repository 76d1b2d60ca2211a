namespace Beear.Text.Templates;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression
{
    public object? Evaluate(Scope scope)
    {
        scope.State.Enter();
        var value = Compute(scope);
        scope.State.Leave();
        return value;
    }

    protected abstract object? Compute(Scope scope);
}

internal sealed class Literal(object? value) : Expression
{
    protected override object? Compute(Scope scope) => value;
}

internal sealed class Variable(string name) : Expression
{
    protected override object? Compute(Scope scope) => scope.Lookup(name);
}

internal sealed class ListLiteral(List<Expression> items, bool isTuple = false) : Expression
{
    protected override object? Compute(Scope scope)
    {
        var values = items.ConvertAll(item => item.Evaluate(scope));
        return isTuple ? new TupleValue(values) : values;
    }
}

internal sealed class MappingLiteral(List<(Expression Key, Expression Value)> pairs) : Expression
{
    protected override object? Compute(Scope scope)
    {
        var mapping = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs)
        {
            var name = key.Evaluate(scope) as string ?? throw new TemplateException("the keys of a mapping have to be strings");
            mapping[name] = value.Evaluate(scope);
        }
        return mapping;
    }
}

internal sealed class Conditional(Expression condition, Expression whenTrue, Expression? whenFalse) : Expression
{
    protected override object? Compute(Scope scope) =>
        Operators.IsTrue(condition.Evaluate(scope)) ? whenTrue.Evaluate(scope)
        : whenFalse is null ? new Undefined("the inline if without else") : whenFalse.Evaluate(scope);
}

/// <summary><c>and</c> and <c>or</c>, which give the operand that decided.</summary>
internal sealed class Logical(Expression left, Expression right, bool isAnd) : Expression
{
    protected override object? Compute(Scope scope)
    {
        var value = left.Evaluate(scope);
        return Operators.IsTrue(value) == isAnd ? right.Evaluate(scope) : value;
    }
}

internal sealed class Not(Expression operand) : Expression
{
    protected override object? Compute(Scope scope) => !Operators.IsTrue(operand.Evaluate(scope));
}

internal sealed class Sign(Expression operand, bool negative) : Expression
{
    protected override object? Compute(Scope scope) => operand.Evaluate(scope) switch
    {
        double number => negative ? -number : number,
        Undefined undefined => throw undefined.Fail(),
        long number => negative ? Operators.Binary("-", 0L, number, scope.State) : number,
        bool flag => (negative ? -1L : 1L) * (flag ? 1 : 0),
        var value => throw new TemplateException($"a sign does not apply to {Operators.TypeName(value)}"),
    };
}

internal sealed class Binary(string symbol, Expression left, Expression right) : Expression
{
    protected override object? Compute(Scope scope) =>
        Operators.Binary(symbol, left.Evaluate(scope), right.Evaluate(scope), scope.State);
}

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed class Concatenation(List<Expression> parts) : Expression
{
    protected override object? Compute(Scope scope)
    {
        var texts = parts.ConvertAll(part => PythonText.Str(part.Evaluate(scope), scope.State));
        scope.State.Charge(texts.Sum(text => (long)text.Length));
        return string.Concat(texts);
    }
}

/// <summary><c>a &lt; b &lt;= c</c>: true if each neighbouring pair is.</summary>
internal sealed class Comparison(Expression first, List<(string Symbol, Expression Operand)> rest) : Expression
{
    protected override object? Compute(Scope scope)
    {
        var left = first.Evaluate(scope);
        foreach (var (symbol, operand) in rest)
        {
            var right = operand.Evaluate(scope);
            if (!Holds(symbol, left, right, scope.State)) return false;
            left = right;
        }
        return true;
    }

    private static bool Holds(string symbol, object? left, object? right, RenderState state) => symbol switch
    {
        "==" => Operators.AreEqual(left, right, state),
        "!=" => !Operators.AreEqual(left, right, state),
        "in" => Operators.Contains(right, left, state),
        "not in" => !Operators.Contains(right, left, state),
        "<" => Operators.Compare(left, right, state) < 0,
        "<=" => Operators.Compare(left, right, state) <= 0,
        ">" => Operators.Compare(left, right, state) > 0,
        _ => Operators.Compare(left, right, state) >= 0,
    };
}

internal sealed class AttributeAccess(Expression target, string name) : Expression
{
    protected override object? Compute(Scope scope) => Members.Attribute(target.Evaluate(scope), name);
}

internal sealed class ItemAccess(Expression target, Expression index) : Expression
{
    protected override object? Compute(Scope scope) => Members.Item(target.Evaluate(scope), index.Evaluate(scope), scope.State);
}

internal sealed class SliceAccess(Expression target, Expression? start, Expression? stop, Expression? step) : Expression
{
    protected override object? Compute(Scope scope) => Members.Slice(
        target.Evaluate(scope), Bound(start, scope), Bound(stop, scope), Bound(step, scope), scope.State);

    private static long? Bound(Expression? bound, Scope scope) =>
        bound?.Evaluate(scope) is { } value ? Operators.ToInteger(value) : null;
}

/// <summary>The arguments of a call as written; stars spread a list or a mapping.</summary>
internal sealed class ArgumentList
{
    public List<(Expression Value, bool IsSpread)> Positional { get; } = [];

    public List<(string? Name, Expression Value)> Named { get; } = [];

    public Arguments Evaluate(Scope scope)
    {
        var positional = new List<object?>();
        foreach (var (value, isSpread) in Positional)
        {
            if (isSpread) positional.AddRange(Operators.Iterate(value.Evaluate(scope), scope.State));
            else positional.Add(value.Evaluate(scope));
        }
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, expression) in Named)
        {
            var value = expression.Evaluate(scope);
            if (name is not null) named[name] = value;
            else if (value is Dictionary<string, object?> spread) foreach (var pair in spread) named[pair.Key] = pair.Value;
            else throw new TemplateException("'**' needs a mapping");
        }
        return new Arguments(positional, named);
    }
}

internal sealed class Call(Expression target, ArgumentList arguments) : Expression
{
    protected override object? Compute(Scope scope)
    {
        var function = target.Evaluate(scope) switch
        {
            Callable callable => callable,
            Undefined undefined => throw undefined.Fail(),
            var value => throw new TemplateException($"{Operators.TypeName(value)} cannot be called"),
        };
        return function.Call(arguments.Evaluate(scope), scope.State);
    }
}

internal sealed class FilterCall(Expression target, string name, ArgumentList arguments) : Expression
{
    protected override object? Compute(Scope scope) =>
        Filters.Apply(name, target.Evaluate(scope), arguments.Evaluate(scope), scope.State);
}

internal sealed class TestCall(Expression target, string name, ArgumentList arguments) : Expression
{
    protected override object? Compute(Scope scope) =>
        Tests.Apply(name, target.Evaluate(scope), arguments.Evaluate(scope), scope.State);
}
