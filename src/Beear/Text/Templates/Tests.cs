namespace Beear.Text.Templates;

/// <summary>Jinja's tests, which follow <c>is</c>.</summary>
internal static class Tests
{
    private delegate bool Test(object? value, Arguments arguments, RenderState state);

    private static readonly Dictionary<string, Test> s_tests = Create();

    public static bool Exists(string name) => s_tests.ContainsKey(name);

    public static bool Apply(string name, object? value, Arguments arguments, RenderState state) =>
        s_tests.TryGetValue(name, out var test) ? test(value, arguments, state) : throw new TemplateException($"the test '{name}' does not exist");

    private static Dictionary<string, Test> Create()
    {
        var tests = new Dictionary<string, Test>(StringComparer.Ordinal)
        {
            ["defined"] = (value, _, _) => value is not Undefined,
            ["undefined"] = (value, _, _) => value is Undefined,
            ["none"] = (value, _, _) => value is null,
            ["string"] = (value, _, _) => value is string,
            ["number"] = (value, _, _) => value is long or double or bool,
            ["integer"] = (value, _, _) => value is long,
            ["float"] = (value, _, _) => value is double,
            ["boolean"] = (value, _, _) => value is bool,
            ["true"] = (value, _, _) => value is true,
            ["false"] = (value, _, _) => value is false,
            ["mapping"] = (value, _, _) => value is Dictionary<string, object?>,
            ["iterable"] = (value, _, _) => value is string or List<object?> or Dictionary<string, object?> or Undefined,
            ["sequence"] = (value, _, _) => value is string or List<object?> or Dictionary<string, object?> or Undefined,
            ["callable"] = (value, _, _) => value is Callable,
            ["odd"] = (value, _, _) => Operators.ToInteger(value) % 2 != 0,
            ["even"] = (value, _, _) => Operators.ToInteger(value) % 2 == 0,
            ["divisibleby"] = (value, arguments, state) =>
                Operators.Binary("%", value, arguments.Require(0, "num"), state) is var rest && !Operators.IsTrue(rest),
            ["in"] = (value, arguments, state) => Operators.Contains(arguments.Require(0, "seq"), value, state),
            ["upper"] = (value, _, state) => PythonText.Str(value, state) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
            ["lower"] = (value, _, state) => PythonText.Str(value, state) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
            ["sameas"] = (value, arguments, state) => arguments.Require(0, "other") is var other && value?.GetType() == other?.GetType()
                && Operators.AreEqual(value, other, state),
            ["startswith"] = (value, arguments, _) =>
                value is string text && text.StartsWith(arguments.RequireText(0, "prefix"), StringComparison.Ordinal),
            ["endswith"] = (value, arguments, _) =>
                value is string text && text.EndsWith(arguments.RequireText(0, "suffix"), StringComparison.Ordinal),
            ["eq"] = (value, arguments, state) => Operators.AreEqual(value, arguments.Require(0, "other"), state),
            ["ne"] = (value, arguments, state) => !Operators.AreEqual(value, arguments.Require(0, "other"), state),
            ["lt"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) < 0,
            ["le"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) <= 0,
            ["gt"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) > 0,
            ["ge"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) >= 0,
            ["filter"] = (value, _, _) => value is string name && Filters.Exists(name),
            ["test"] = (value, _, _) => value is string name && Exists(name),
        };
        (string Alias, string Name)[] aliases =
        [
            ("equalto", "eq"), ("==", "eq"), ("!=", "ne"), ("<", "lt"), ("lessthan", "lt"), ("<=", "le"),
            (">", "gt"), ("greaterthan", "gt"), (">=", "ge"),
        ];
        foreach (var (alias, name) in aliases) tests[alias] = tests[name];
        return tests;
    }
}
