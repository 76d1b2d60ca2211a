using System.Text.RegularExpressions;

namespace Beear.Checkpoints.Adapters;

/// <summary>Which modules are meant, as PEFT writes it: names or their endings, an expression for whole names, or "all-linear".</summary>
internal sealed class ModulePattern
{
    private readonly IReadOnlyList<string> names;
    private readonly Regex? expression;

    private ModulePattern(IReadOnlyList<string> names, Regex? expression)
    {
        this.names = names;
        this.expression = expression;
    }

    /// <summary>All matrices but the embeddings and the output head.</summary>
    public static ModulePattern AllLinear { get; } = new([], expression: null);

    public static ModulePattern Of(IReadOnlyList<string> names) => new(names, expression: null);

    public static ModulePattern Of(Regex expression) => new([], expression);

    public bool Matches(string module)
    {
        if (ReferenceEquals(this, AllLinear)) return module is not (AdapterPlan.Embedding or AdapterPlan.Head);
        return expression is null ? names.Contains(module, StringComparer.Ordinal) || IsByEnding(module) : IsMatch(expression, module);
    }

    private static bool IsMatch(Regex expression, string module)
    {
        try
        {
            return expression.IsMatch(module);
        }
        catch (RegexMatchTimeoutException failure)
        {
            throw new BeearException($"The expression '{expression}' of adapter_config.json takes far too long on '{module}'; write the "
                + "names of the modules as a list.", failure);
        }
    }

    /// <summary>Whether it is a list that has only the end of the module's name.</summary>
    public bool IsByEnding(string module) =>
        !names.Contains(module, StringComparer.Ordinal) && names.Any(name => module.EndsWith($".{name}", StringComparison.Ordinal));
}
