namespace Beear.Text.Templates;

/// <summary>The arguments of a call.</summary>
internal sealed class Arguments(List<object?> positional, Dictionary<string, object?> named)
{
    public static Arguments None { get; } = new([], []);

    public List<object?> Positional => positional;

    public Dictionary<string, object?> Named => named;

    /// <summary>An argument by position or name, or the fallback.</summary>
    public object? Get(int index, string name, object? fallback = null) =>
        index < positional.Count ? positional[index] : named.GetValueOrDefault(name, fallback);

    public bool Has(int index, string name) => index < positional.Count || named.ContainsKey(name);

    public object? Require(int index, string name) =>
        Has(index, name) ? Get(index, name) : throw new TemplateException($"the argument '{name}' is missing");

    public string RequireText(int index, string name) => Values.ToText(Require(index, name), $"the argument '{name}'");

    public bool Flag(int index, string name, bool fallback = false) => Values.IsTrue(Get(index, name, fallback));

    public long Integer(int index, string name, long fallback) => Values.ToInteger(Get(index, name, fallback));

    /// <summary>The same arguments without the first <paramref name="count"/>.</summary>
    public Arguments Skip(int count) => new(positional.Skip(count).ToList(), named);
}
