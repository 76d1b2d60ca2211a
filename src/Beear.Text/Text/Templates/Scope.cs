namespace Beear.Text.Templates;

/// <summary>The variables of a loop, a macro or the whole template; a name that is not here is looked up outside.</summary>
internal sealed class Scope(Scope? outer, RenderState state)
{
    private readonly Dictionary<string, object?> _variables = new(StringComparer.Ordinal);

    public RenderState State => state;

    public Scope Inner() => new(this, state);

    public void Set(string name, object? value) => _variables[name] = value;

    public object? Lookup(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out var value)) return value;
        }
        return Undefined.Variable(name);
    }

    private Scope? Outer => outer;
}
