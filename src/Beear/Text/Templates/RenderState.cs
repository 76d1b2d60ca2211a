using System.Runtime.CompilerServices;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>What one rendering has used up so far, so that a hostile template ends in an error and not in a hang.</summary>
internal sealed class RenderState
{
    private const int MaximumDepth = 400;
    private const long MaximumSteps = 5_000_000;
    private const long MaximumWork = 64_000_000;
    private const int MaximumText = 16_000_000;
    private int _depth;
    private long _steps;
    private long _work;

    /// <summary>The template's line being rendered, from 1.</summary>
    public int Line { get; set; } = 1;

    /// <summary>Counts one evaluation or iteration.</summary>
    public void Step()
    {
        if (++_steps > MaximumSteps) throw new TemplateException($"it needs more than {MaximumSteps} steps");
    }

    /// <summary>Counts a step one level deeper; pair it with <see cref="Leave"/>.</summary>
    public void Enter()
    {
        Step();
        if (++_depth > MaximumDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateException($"it is nested or calls itself more than {MaximumDepth} levels deep");
    }

    public void Leave() => _depth--;

    /// <summary>Counts characters or items about to be read or created, before they are.</summary>
    public void Charge(long size)
    {
        if (size > MaximumText) throw new TemplateException($"it makes a value larger than {MaximumText} characters or items");
        _work += size;
        if (_work > MaximumWork) throw new TemplateException($"it handles more than {MaximumWork} characters or items");
    }

    /// <summary>Counts the size of a value that is about to be read as a whole.</summary>
    public void Charge(object? value) => Charge(value switch
    {
        string text => text.Length,
        List<object?> list => list.Count,
        Dictionary<string, object?> dictionary => dictionary.Count,
        _ => 0L,
    });

    /// <summary>Counts a search for a text in another, whose worst case is the product of their lengths.</summary>
    public void ChargeSearch(string text, string pattern) => Charge(text.Length * (1L + pattern.Length / 4096));

    /// <summary>Appends to the output or to a captured part of it.</summary>
    public void Emit(StringBuilder output, string text)
    {
        if (output.Length + (long)text.Length > MaximumText) throw new TemplateException($"its output is longer than {MaximumText} characters");
        Charge(text.Length);
        output.Append(text);
    }
}

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
        return new Undefined(name);
    }

    private Scope? Outer => outer;
}
