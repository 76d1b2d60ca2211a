namespace Beear.Text.Templates;

/// <summary>The parameters and body of a macro or of a call block, and which special arguments its body reads.</summary>
internal sealed class Macro(string name, List<(string Name, Expression? Default)> parameters, Body body, IReadOnlySet<string> namesRead)
{
    public const string Caller = "caller";
    private const int CallCost = 8;
    private const string MoreNamed = "kwargs";
    private const string MorePositional = "varargs";
    private readonly HashSet<string> _parameterNames = parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);

    public string Name => name;

    /// <summary>The macro as a value that can be called and sees the variables of the place of its definition.</summary>
    public Callable At(Scope definition) => new(name, (arguments, _) => Invoke(arguments, definition)) { IsMacro = true };

    private string Invoke(Arguments arguments, Scope definition)
    {
        definition.State.ChargeItems(CallCost + 2L * parameters.Count);
        var scope = definition.Inner();
        var left = new Dictionary<string, object?>(arguments.Named, StringComparer.Ordinal);
        var (values, missing) = (new object?[parameters.Count], new bool[parameters.Count]);
        for (var i = 0; i < parameters.Count; i++)
        {
            var isGiven = i < arguments.Positional.Count;
            missing[i] = !isGiven && !left.Remove(parameters[i].Name, out values[i]);
            if (isGiven) values[i] = arguments.Positional[i];
            if (!missing[i]) scope.Set(parameters[i].Name, values[i]);
        }
        SetSpecial(scope, arguments, left);
        for (var i = 0; i < parameters.Count; i++)
        {
            if (!missing[i]) continue;
            var (parameter, fallback) = parameters[i];
            scope.Set(parameter, new Undefined($"parameter '{parameter}' was not provided"));
            if (fallback is not null) scope.Set(parameter, fallback.Evaluate(scope));
        }
        return scope.State.Capture(body, scope);
    }

    /// <summary>
    /// Sets <c>caller</c>, <c>kwargs</c> and <c>varargs</c> where the body reads them; arguments that nothing takes are an error.
    /// </summary>
    private void SetSpecial(Scope scope, Arguments arguments, Dictionary<string, object?> left)
    {
        if (Takes(Caller)) scope.Set(Caller, left.Remove(Caller, out var caller) && caller is not null
            ? caller : new Undefined("No caller defined"));
        if (Takes(MoreNamed))
        {
            var more = new Mapping();
            foreach (var (key, value) in left) more[key] = value;
            scope.Set(MoreNamed, more);
        }
        else if (left.Count > 0) throw new TemplateException($"the macro '{name}' has no parameter '{left.Keys.First()}'");
        if (Takes(MorePositional)) scope.Set(MorePositional, new TupleValue(arguments.Positional.Skip(parameters.Count)));
        else if (arguments.Positional.Count > parameters.Count)
            throw new TemplateException($"the macro '{name}' takes at most {parameters.Count} arguments, not {arguments.Positional.Count}");
    }

    private bool Takes(string special) => namesRead.Contains(special) && !_parameterNames.Contains(special);
}

internal sealed class MacroDefinition(Macro macro, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        scope.Set(macro.Name, macro.At(scope));
        return Flow.Next;
    }
}

/// <summary><c>{% call(parameters) macro(…) %}…{% endcall %}</c>.</summary>
internal sealed class CallBlock(Call call, Macro caller, Position at) : Statement(at)
{
    protected override Flow Run(Scope scope)
    {
        scope.State.Emit(PythonRepr.Str(call.Invoke(scope, caller.At(scope)), scope.State));
        return Flow.Next;
    }
}
