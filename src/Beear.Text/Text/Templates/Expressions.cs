namespace Beear.Text.Templates;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(Position at)
{
    public object? Evaluate(Scope scope)
    {
        scope.State.Enter();
        try
        {
            return Compute(scope);
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

    protected abstract object? Compute(Scope scope);
}

internal sealed class Literal(object? value, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => value;
}

internal sealed class Variable(string name, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => scope.Lookup(name);
}

internal sealed class ListLiteral(List<Expression> items, bool isTuple, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope)
    {
        scope.State.ChargeItems(items.Count);
        var values = items.ConvertAll(item => item.Evaluate(scope));
        return isTuple ? new TupleValue(values) : values;
    }
}

internal sealed class MappingLiteral(List<(Expression Key, Expression Value)> pairs, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope)
    {
        scope.State.ChargeItems(2L * pairs.Count);
        var mapping = new Mapping();
        foreach (var (key, value) in pairs)
        {
            var name = key.Evaluate(scope);
            scope.State.ChargeKey(name);
            mapping[name] = value.Evaluate(scope);
        }
        return mapping;
    }
}

internal sealed class Conditional(Expression condition, Expression whenTrue, Expression? whenFalse, Position at) : Expression(at)
{
    private static readonly Undefined s_nothing = new("the inline if has no else, and its condition is false");

    protected override object? Compute(Scope scope) =>
        Values.IsTrue(condition.Evaluate(scope)) ? whenTrue.Evaluate(scope) : whenFalse is null ? s_nothing : whenFalse.Evaluate(scope);
}

/// <summary><c>and</c> and <c>or</c>, which give the operand that decided.</summary>
internal sealed class Logical(Expression left, Expression right, bool isAnd, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope)
    {
        var value = left.Evaluate(scope);
        return Values.IsTrue(value) == isAnd ? right.Evaluate(scope) : value;
    }
}

internal sealed class Not(Expression operand, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => !Values.IsTrue(operand.Evaluate(scope));
}

internal sealed class Sign(Expression operand, bool negative, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope)
    {
        var value = operand.Evaluate(scope);
        if (value is Undefined undefined) throw undefined.Fail();
        if (!Numbers.IsNumber(value)) throw new TemplateException($"a sign does not apply to {Values.Describe(value)}");
        return negative ? Numbers.Negate(value) : value is bool ? Values.ToInteger(value) : value;
    }
}

internal sealed class Binary(string symbol, Expression left, Expression right, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) =>
        Operators.Binary(symbol, left.Evaluate(scope), right.Evaluate(scope), scope.State);
}

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed class Concatenation(List<Expression> parts, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) =>
        StringMethods.Join("", parts.ConvertAll(part => PythonRepr.Str(part.Evaluate(scope), scope.State)), scope.State);
}

/// <summary><c>a &lt; b &lt;= c</c>: true if each neighbouring pair is.</summary>
internal sealed class Comparison(Expression first, List<(string Symbol, Expression Operand)> rest, Position at) : Expression(at)
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

internal sealed class AttributeAccess(Expression target, string name, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => Members.Attribute(target.Evaluate(scope), name, scope.State);
}

internal sealed class ItemAccess(Expression target, Expression index, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => Members.Item(target.Evaluate(scope), index.Evaluate(scope), scope.State);
}

internal sealed class SliceAccess(Expression target, Expression? start, Expression? stop, Expression? step, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => Members.Slice(
        target.Evaluate(scope), start?.Evaluate(scope), stop?.Evaluate(scope), step?.Evaluate(scope), scope.State);
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
            if (isSpread)
            {
                var items = Values.Iterate(value.Evaluate(scope), scope.State);
                scope.State.ChargeItems(items.Count);
                positional.AddRange(items);
            }
            else positional.Add(value.Evaluate(scope));
        }
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, expression) in Named)
        {
            var value = expression.Evaluate(scope);
            if (name is not null) Add(named, name, value);
            else if (value is Mapping spread)
            {
                scope.State.ChargeItems(spread.Count);
                scope.State.Charge(spread.KeyLength);
                foreach (var (key, item) in spread) Add(named, Values.ToText(key, "a key that '**' spreads"), item);
            }
            else throw new TemplateException("'**' needs a mapping");
        }
        return new Arguments(positional, named);
    }

    private static void Add(Dictionary<string, object?> named, string name, object? value)
    {
        if (!named.TryAdd(name, value)) throw new TemplateException($"the argument '{name}' is given twice");
    }
}

internal sealed class Call(Expression target, ArgumentList arguments, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) => Invoke(scope, null);

    /// <summary>Calls with what a call block gives as <c>caller</c>.</summary>
    public object? Invoke(Scope scope, Callable? caller)
    {
        var function = target.Evaluate(scope);
        var values = arguments.Evaluate(scope);
        if (caller is not null && !values.Named.TryAdd(Macro.Caller, caller)) throw new TemplateException(
            "the argument 'caller' is given twice");
        return function switch
        {
            Callable callable => callable.Call(values, scope.State),
            LoopValue loop => loop.Recurse(values.Require(0, "iterable")),
            Undefined undefined => throw undefined.Fail(),
            _ => throw new TemplateException($"{Values.Describe(function)} cannot be called"),
        };
    }
}

internal sealed class FilterCall(Expression target, string name, ArgumentList arguments, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) =>
        Filters.Apply(name, target.Evaluate(scope), arguments.Evaluate(scope), scope.State);
}

internal sealed class TestCall(Expression target, string name, ArgumentList arguments, Position at) : Expression(at)
{
    protected override object? Compute(Scope scope) =>
        Tests.Apply(name, target.Evaluate(scope), arguments.Evaluate(scope), scope.State);
}
