namespace Beear.Tests.Text.Templates;

/// <summary>Templates of random statements and expressions that may be right or wrong, and that grow what they can.</summary>
internal sealed class TemplateSoup(int seed)
{
    private static readonly string[] s_values =
    [
        "0", "1", "-3", "7", "99999999999", "10 ** 300", "1.5", "1e308", "true", "none", "''", "'ab c'", "'{0} {1:>9} {}'",
            "'%s %5d %(k)s'", "'日本\\U0001F600'",
        "'é' * 9999", "'x' * 99999", "' ' * 9999", "[]", "[1, 'a', [2]]", "(1, 'b')", "{'k': [1], 'b': {}}", "range(99999)",
            "range(5)", "[0] * 9999",
        "messages", "messages[0]", "ns", "ns.a", "ns.a", "loop", "loop.index", "undefined_name", "f", "caller", "cycler(1, 2)",
            "joiner('x')", "dict(a=1)",
        "namespace", "strftime_now('%Y-%j')",
    ];

    private static readonly string[] s_filters =
    [
        "length", "first", "last", "list", "items", "sort", "dictsort", "groupby", "unique", "reverse", "join", "map", "select", "reject",
            "selectattr", "rejectattr",
        "sum", "min", "max", "batch", "slice", "string", "safe", "trim", "upper", "lower", "title", "capitalize", "replace", "format",
            "center", "indent", "truncate",
        "wordcount", "escape", "urlencode", "tojson", "int", "float", "abs", "round", "default", "attr", "filesizeformat", "random",
            "pprint", "nothing",
    ];

    private static readonly string[] s_members =
    [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "partition", "rpartition", "startswith", "endswith", "removeprefix",
            "upper", "lower", "casefold",
        "title", "capitalize", "swapcase", "replace", "join", "format", "format_map", "find", "rfind", "index", "rindex", "count", "center",
            "ljust", "rjust", "zfill",
        "expandtabs", "isdigit", "isalpha", "isupper", "istitle", "isprintable", "encode", "items", "keys", "values", "get", "copy",
            "append", "pop", "update", "a",
        "next", "cycle", "changed", "__class__", "role",
    ];

    private static readonly string[] s_tests =
        ["defined", "none", "string", "mapping", "iterable", "odd", "divisibleby(3)", "in([1])", "eq(ns.a)", "lt 3", "upper", "sameas ns",
            "callable", "filter", "nothing"];

    private static readonly string[] s_operators =
        ["+", "-", "*", "*", "/", "//", "%", "**", "~", "~", "==", "<", ">=", "in", "not in", "and", "or", "if", ","];

    private readonly Random _random = new(seed);

    /// <summary>A template; one that repeats applies an expression to its own result again and again.</summary>
    public string Template(bool repeats)
    {
        var body = string.Concat(Enumerable.Range(0, _random.Next(1, 3)).Select(_ => Statement(2)));
        var grown = repeats ? $"{{% for i in range(99) %}}{{% set ns.a = "
            + $"{Expression(3).Replace("messages", "ns.a", StringComparison.Ordinal)} %}}{body}{{% endfor %}}" : body;
        return $"{{% set ns = namespace(a={Pick("'ab'", "[1, 'x']", "7", "{'a': 'bc'}")}) %}}{{% macro f(x, y=1) %}}{{{{ x "
            + $"}}}}{Pick("", "{{ f(x, y) }}", "{{ caller(x) }}")}{{% endmacro %}}{grown}";
    }

    /// <summary>The template with a few characters left out, doubled, or moved.</summary>
    public string Damage(string template)
    {
        for (var i = _random.Next(1, 4); i > 0 && template.Length > 8; i--)
        {
            var (at, length, to) = (_random.Next(template.Length - 8), _random.Next(1, 8), _random.Next(template.Length - 8));
            var piece = template.Substring(at, length);
            template = _random.Next(3) == 0
                ? template.Insert(to, piece) : template.Remove(at, length)
                .Insert(Math.Min(to, template.Length - length), _random.Next(2) == 0 ? piece : "");
        }
        return template;
    }

    private string Statement(int depth) => _random.Next(depth == 0 ? 3 : 11) switch
    {
        0 => "text\n",
        1 or 2 => $"{{{{ {Expression(_random.Next(1, 4))} }}}}",
        3 => $"{{% if {Expression(2)} %}}{Statement(depth - 1)}{{% else %}}{Statement(depth - 1)}{{% endif %}}",
        4 => $"{{% for {Pick("x", "x, y")} in {Expression(2)}{Pick("", " if x", " recursive")} "
            + $"%}}{Statement(depth - 1)}{Pick("", "{% break %}", "{{ loop(x) }}")}{{% endfor %}}",
        5 => $"{{% set {Pick("z", "ns.a", "ns.a", "z, y")} = {Expression(2)} %}}",
        6 => $"{{% set z {Pick("", "| " + Filter())} %}}{Statement(depth - 1)}{{% endset %}}",
        7 => $"{{% call({Pick("", "u")}) f({Expression(1)}) %}}{Statement(depth - 1)}{{% endcall %}}",
        8 => $"{{% filter {Filter()} %}}{Statement(depth - 1)}{{% endfilter %}}",
        9 => $"{{% with w = {Expression(2)} %}}{Statement(depth - 1)}{{% endwith %}}",
        _ => $"{{% generation %}}{Statement(depth - 1)}{{% endgeneration %}}",
    };

    private string Expression(int depth) => depth == 0 ? Pick(s_values) : _random.Next(10) switch
    {
        0 => Pick(s_values),
        1 or 2 => $"({Expression(depth - 1)} {Pick(s_operators)} {Expression(depth - 1)})",
        3 or 4 => $"{Expression(depth - 1)} | {Filter()}",
        5 or 6 => $"({Expression(depth - 1)}).{Pick(s_members)}{Arguments()}",
        7 => $"({Expression(depth - 1)})[{Pick("0", "-1", "'a'", "1:", "::-1", ":99:2", Expression(0))}]",
        8 => $"({Expression(depth - 1)}) is {Pick("", "not ")}{Pick(s_tests)}",
        _ => Pick($"[{Expression(depth - 1)}, {Expression(0)}]", $"{{{Expression(0)}: {Expression(depth - 1)}}}",
            $"f({Expression(depth - 1)})", $"-{Expression(depth - 1)}"),
    };

    private string Filter() => Pick(s_filters) + (_random.Next(2) == 0 ? Arguments() : "");

    private string Arguments() => "("
        + string.Join(", ", Enumerable.Range(0, _random.Next(4))
        .Select(_ => Pick("", "", "*", "attribute=", "default=", "indent=") + Expression(_random.Next(2)))) + ")";

    private string Pick(params string[] options) => options[_random.Next(options.Length)];
}
