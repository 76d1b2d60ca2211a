namespace Beear.Text.Templates;

/// <summary>Jinja's tests, which follow <c>is</c>.</summary>
internal static class Tests
{
    private delegate bool Test(object? value, Arguments arguments, RenderState state);

    private static readonly Dictionary<string, Test> s_tests = Create();

    public static bool Exists(string name) => s_tests.ContainsKey(name);

    public static bool Apply(string name, object? value, Arguments arguments, RenderState state)
    {
        state.ChargeKey(name);
        return s_tests.TryGetValue(name, out var test)
            ? test(value, arguments, state) : throw new TemplateException($"the test '{name}' does not exist");
    }

    private static Dictionary<string, Test> Create()
    {
        var tests = new Dictionary<string, Test>(StringComparer.Ordinal)
        {
            ["defined"] = (value, _, _) => value is not Undefined,
            ["undefined"] = (value, _, _) => value is Undefined,
            ["none"] = (value, _, _) => value is null,
            ["string"] = (value, _, _) => value is string,
            ["number"] = (value, _, _) => Numbers.IsNumber(value),
            ["integer"] = (value, _, _) => Numbers.IsInteger(value) && value is not bool,
            ["float"] = (value, _, _) => value is double,
            ["boolean"] = (value, _, _) => value is bool,
            ["true"] = (value, _, _) => value is true,
            ["false"] = (value, _, _) => value is false,
            ["mapping"] = (value, _, _) => value is Mapping,
            ["iterable"] = (value, _, _) => Values.IsIterable(value),
            ["sequence"] = (value, _, _) => value is string or List<object?> or Mapping or RangeValue or Undefined,
            ["callable"] = (value, _, _) => value is Callable or LoopValue or Undefined,
            ["escaped"] = (_, _, _) => false,
            ["odd"] = (value, _, state) => Operators.AreEqual(Remainder(value, 2L, state), 1L, state),
            ["even"] = (value, _, state) => !Values.IsTrue(Remainder(value, 2L, state)),
            ["divisibleby"] = (value, arguments, state) => !Values.IsTrue(Remainder(value, arguments.Require(0, "num"), state)),
            ["in"] = (value, arguments, state) => Operators.Contains(arguments.Require(0, "seq"), value, state),
            ["upper"] = (value, _, state) => TextCase.IsUpper(Read(value, state)),
            ["lower"] = (value, _, state) => TextCase.IsLower(Read(value, state)),
            ["sameas"] = (value, arguments, _) => IsSame(value, arguments.Require(0, "other")),
            ["eq"] = (value, arguments, state) => Operators.AreEqual(value, arguments.Require(0, "other"), state),
            ["ne"] = (value, arguments, state) => !Operators.AreEqual(value, arguments.Require(0, "other"), state),
            ["lt"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) < 0,
            ["le"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) <= 0,
            ["gt"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) > 0,
            ["ge"] = (value, arguments, state) => Operators.Compare(value, arguments.Require(0, "other"), state) >= 0,
            ["filter"] = (value, _, state) => Filters.Exists(Read(value, state)),
            ["test"] = (value, _, state) => Exists(Read(value, state)),
        };
        (string Alias, string Name)[] aliases =
        [
            ("equalto", "eq"), ("==", "eq"), ("!=", "ne"), ("<", "lt"), ("lessthan", "lt"), ("<=", "le"),
            (">", "gt"), ("greaterthan", "gt"), (">=", "ge"),
        ];
        foreach (var (alias, name) in aliases) tests[alias] = tests[name];
        return tests;
    }

    private static object? Remainder(object? value, object? divisor, RenderState state) => Operators.Binary("%", value, divisor, state);

    private static string Read(object? value, RenderState state)
    {
        var text = PythonRepr.Str(value, state);
        state.Charge(text.Length);
        return text;
    }

    /// <summary>Python's identity, where small scalars of one value are one object.</summary>
    private static bool IsSame(object? value, object? other) =>
        value is long or bool or string or double ? value.Equals(other) : ReferenceEquals(value, other);
}
