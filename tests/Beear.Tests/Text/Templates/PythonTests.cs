using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Beear.Text;
using Xunit.Sdk;

namespace Beear.Tests.Text.Templates;

/// <summary>
/// Expressions that mean the same in templates and in Python are evaluated by Python too: values, and where there is none.
/// </summary>
public sealed class PythonTests
{
    private const string Script =
        """
        import datetime, json, math, sys
        now = datetime.datetime(2025, 3, 5, 6, 7, 8)
        def outcome(expression):
            try: return {"text": str(eval(expression))}
            except Exception as error: return {"error": repr(error)}
        print(json.dumps([outcome(expression) for expression in json.load(sys.stdin)]))
        """;

    private static readonly string[] s_texts =
        ["''", "'abc'", "' a  b '", "'Hello, wORLD'", "'a-b-c'", "'x\\n y\\r\\nz\\n'", "'123'", "'1\\u00b2'", "'\\u00c9t\\u00e9 \\u00df'",
            "'\\U0001F600a\\U0001F600'", "'\\t\\u2003'", "'ab' * 3", "'it\\'s'", "'\\u01c6en'", "'_a1'", "'A'"];

    private static readonly string[] s_calls =
    [
        "strip()", "lstrip()", "rstrip()", "strip('ab ')", "lstrip('\\U0001F600')", "rstrip('cz\\n')", "split()", "split(None, 1)",
            "rsplit(None, 1)", "split('-')", "split('b', 1)", "rsplit('b', 1)",
        "rsplit('ab')", "split('')", "splitlines()", "splitlines(True)", "partition('-')", "rpartition('-')", "partition('')",
            "startswith('a')", "startswith(('x', 'H'))", "endswith('c')", "endswith(('c', ' '))",
        "startswith('b', 1)", "endswith('b', 0, -1)", "startswith('', 9)", "removeprefix('a')", "removesuffix('c')", "upper()", "lower()",
            "title()", "capitalize()", "swapcase()", "casefold()", "replace('b', 'XY')", "replace('', '.')",
        "replace('', '.', 2)", "replace('ab', '', 1)", "replace('a', 'b', 0)", "find('b')", "rfind('b')", "find('b', 2)", "find('', 2)",
            "find('', 99)", "rfind('a', 0, -1)", "index('b')", "rindex('b')", "count('b')", "count('')",
        "count('a', 1)", "count('ba')", "center(7)", "center(8, '*')", "ljust(7, '.')", "rjust(7)", "center(7, 'ab')", "zfill(5)",
            "expandtabs(4)", "isdigit()", "isdecimal()", "isnumeric()", "isalpha()", "isalnum()", "isascii()",
        "isspace()", "isprintable()", "isupper()", "islower()", "istitle()", "join(['x', 'y'])", "join('xyz')", "join([])", "join([1])",
            "format(1)", "nothing()",
    ];

    private static readonly string[] s_slices =
        ["0", "-1", "1:", ":-1", "::2", "::-1", "-2:", "5:1", "5:1:-1", "1:99", "-99:2", "::-2", "2:2", "::99"];

    private static readonly string[] s_values =
        ["0", "1", "-7", "3", "2.5", "-0.5", "1e16", "True", "10 ** 20", "'a'", "'ab'", "[1, 2]", "[]", "(1, 2)", "{'a': 1}", "None"];

    private static readonly string[] s_operators =
        ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"];

    private static readonly string[] s_printed =
    [
        "0.1", "1e22", "1e16", "1e15", "123456789012345680.0", "1e-5", "0.0001", "-0.0", "1.0", "5e-324", "1.7976931348623157e308", "100.0",
            "1e100", "3.14159", "1 / 3", "2 ** 63", "-(2 ** 63)", "[1, 2.0, 'a', None, True]", "(1,)", "()",
        "{'a': [1], 'b': {'c': ()}}", "['it\\'s', 'a\"b', '\\'\"', "
            + "'a\\\\b\\n\\t\\r\\x00\\x7f\\u00e9\\u200b\\u2028\\ud7ff\\U0001F600\\U000e0001']", "{1: 'x', True: 'y', 1.0: 'z'}",
                "{'a': 1, 'a': 2}", "{(1, 'a'): 2}", "range(3)", "range(1, 9, 2)",
        "{'a': 1}.items()", "{'a': 1}.keys()", "{'a': 1}.values()", "1 < 2 < 3", "3 > 2 == 2", "1 == True", "'a' 'b'", "not 1", "0x1F",
            "0b101", "0o17", "1_000", "[3, 1].index(1)", "[1, True, 1.0].count(1)", "(1, 2).index(3)", "{'a': 1}.get('b', 2)",
            "{'a': 1}.get('b')",
        "[1, 2] + [3]", "(1,) + (2,)", "[1] * 3", "'-' * 0", "[1, 2] == [1, 2.0]", "[1, [2]] < [1, [3]]", "{'a': 1} == {'a': 1.0}",
            "'\\u00e9' > 'z'", "'\\U0001F600' > '\\uffee'", "{'a': 1}['a']", "{[]: 1}",
    ];

    private static readonly string[] s_formats =
    [
        "d", "5d", "05d", "+d", " d", ",", "_", "x", "X", "#x", "b", "#o", "e", ".2e", "f", ".0f", ".3f", "010.2f", "g", ".3g", "#g", "%",
            ".1%", "", ".3", "<8", ">8", "^8", "*^9", "=+9", "s", ".2s", "10s", "c", "n", "+.1f", ",.2f", "020,d", "#b", "_x", "E",
            "G", "q", ".d",
    ];

    private static readonly string[] s_formatted =
        ["0", "42", "-1234567", "3.14159", "-0.5", "1e20", "1234.5", "True", "'text'", "10 ** 20", "2.5", "0.00001234"];

    private static readonly string[] s_percents =
    [
        "'%s|%5s|%-5s|%.1s' % ('ab', 'ab', 'ab', 'ab')", "'%d %5d %-5d| %05d %+d % d' % (1, 2, 3, 4, 5, 6)",
            "'%x %X %#x %o' % (255, 255, 255, 8)", "'%f %.2f %e %g %G' % (1.5, 2.345, 12345.678, 1e-7, 1e10)",
            "'%r %a' % ('\\u00e9', '\\u00e9')",
        "'%(a)s %(b)05.1f' % {'a': 1, 'b': 2}", "'%%' % ()", "'%s' % 5", "'%s %s' % 5", "'%s' % (1, 2)", "'%d' % 'a'", "'%c%c' % ('a', 98)",
            "'%*d' % (5, 3)", "'%.3d' % 5", "'%s' % [1]", "'%s' % None", "'%d' % 3.9", "'%i' % True", "'%q' % 1", "'%' % 1", "'%s'",
            "'%08.3f' % -3.14159",
        "'{} {}'.format(1, 'a')", "'{1} {0}'.format(1, 2)", "'{a} {b[0]} {b[1]}'.format(a=1, b=[2, 3])", "'{!r:>6}'.format('a')",
            "'{:{}}'.format('a', 5)", "'{{}}'.format()", "'{'.format(1)", "'}'.format(1)", "'{}'.format()", "'{x}'.format(y=1)",
            "'{0:.{1}f}'.format(3.14159, 2)", "'{a[k]}'.format(a={'k': 7})",
        "'{!s:^5}|'.format(1)", "'{!a}'.format('\\u00e9')", "'{:>5}'.format(None)", "'{}'.format([1, 'a'])", "'{:5}'.format([1])",
            "'{a}'.format_map({'a': 1})",
    ];

    private static readonly (string Template, string Python)[] s_filters =
    [
        ("2.5 | round", "float(round(2.5))"), ("2.675 | round(2)", "round(2.675, 2)"), ("1234.5 | round(-2)", "round(1234.5, -2)"),
            ("7 | round(1, 'floor')", "math.floor(7 * 10) / 10"), ("2.31 | round(1, 'ceil')", "math.ceil(2.31 * 10) / 10"),
            ("-0.04 | round(1)", "round(-0.04, 1)"),
        ("' 42 ' | int", "int(' 42 ')"), ("'4_2' | int", "int('4_2')"), ("'0x1A' | int(0, 16)", "int('0x1A', 16)"), ("'z' | int(-1)", "-1"),
            ("'3.99' | int", "int(float('3.99'))"), ("-3.9 | int", "int(-3.9)"), ("'1e3' | float", "float('1e3')"),
            ("'inf' | float", "float('inf')"), ("'_' | float(0.5)", "0.5"),
        ("[3, 1, 2] | sort | list", "sorted([3, 1, 2])"), ("['b', 'A', 'c'] | sort(case_sensitive=true)", "sorted(['b', 'A', 'c'])"),
            ("['b', 'A', 'c'] | sort(reverse=true)", "sorted(['b', 'A', 'c'], key=str.lower, reverse=True)"),
            ("[1, 2.5] | sum", "sum([1, 2.5])"), ("[[1], [2]] | sum(start=[])", "sum([[1], [2]], [])"),
        ("[3, 1] | min", "min([3, 1])"), ("['b', 'A'] | max", "max(['b', 'A'], key=str.lower)"),
            ("'caf\\u00e9' | reverse", "'caf\\u00e9'[::-1]"), ("-3 | abs", "abs(-3)"),
            ("[1, none, 'a'] | join('-')", "'-'.join(map(str, [1, None, 'a']))"),
        ("{'b': [1, 2.5, none, true], 'a': '\\u00e9\\n\"\\\\/\\x01\\x7f\\u2028<&>'} | tojson",
            "json.dumps({'b': [1, 2.5, None, True], 'a': '\\u00e9\\n\"\\\\/\\x01\\x7f\\u2028<&>'}, ensure_ascii=False)"),
        ("['\\u00e9\\U0001F600'] | tojson(ensure_ascii=true)", "json.dumps(['\\u00e9\\U0001F600'])"),
            ("{'b': [1, []], 'a': {}} | tojson(indent=2)", "json.dumps({'b': [1, []], 'a': {}}, indent=2)"),
            ("{'b': [1], 'A': 2} | tojson(indent='\\t', sort_keys=true)", "json.dumps({'b': [1], 'A': 2}, indent='\\t', sort_keys=True)"),
        ("{'a': [1, 2]} | tojson(separators=(',', ':'))", "json.dumps({'a': [1, 2]}, separators=(',', ':'))"),
            ("{1: 2, none: 3, true: 4, 2.5: 5} | tojson", "json.dumps({1: 4, None: 3, 2.5: 5})"),
            ("[1e400, -1e400] | tojson", "json.dumps([float('inf'), float('-inf')])"), ("(1, 'a') | tojson", "json.dumps((1, 'a'))"),
            ("1e16 | tojson", "json.dumps(1e16)"),
    ];

    private static readonly string[] s_times =
        ["%Y-%m-%d", "%d %b %Y", "%B %-d, %Y", "%A %a %w %u", "%H:%M:%S %I %p", "%j %U %W %V %G", "%y %C %e|%k|%l", "%F %T %R %D", "%c",
            "%x %X", "%%", "%f", "%Z|%z|", "%h %n%t"];

    public static TheoryData<string> Kinds => ["methods", "slices", "operators", "printing", "formats", "percents", "filters", "times"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Expressions_have_the_values_that_Python_gives_them(string kind)
    {
        (string Template, string Python)[] cases = kind switch
        {
            "methods" => [.. s_texts.SelectMany(text => s_calls.Select(call => Same($"({text}).{call}")))],
            "slices" => [.. s_texts.Append("[1, 2, 3]").Append("(1, 2)").Append("range(5)")
                .SelectMany(value => s_slices.Where(slice => slice.Contains(':', StringComparison.Ordinal))
                .Select(slice => Same($"({value})[{slice}]")))],
            "operators" => [.. s_values.SelectMany(left =>
                s_operators.SelectMany(symbol => s_values.Select(right => Same($"({left}) {symbol} ({right})"))))],
            "printing" => [.. s_printed.Select(Same)],
            "formats" => [.. s_formats.SelectMany(format => s_formatted.Select(value => Same($"'{{:{format}}}'.format({value})")))],
            "percents" => [.. s_percents.Select(Same)],
            "filters" => s_filters,
            _ => [.. s_times.Select(format => ($"strftime_now('{format}')", $"now.strftime('{format}')"))],
        };
        using var outcomes = JsonDocument.Parse(await RunAsync(JsonSerializer.Serialize(cases.Select(item => item.Python))));

        var differences = cases.Zip(outcomes.RootElement.EnumerateArray()).Select(pair => Difference(pair.First.Template, pair.Second))
            .OfType<string>().ToList();
        Assert.True(differences.Count == 0, $"{differences.Count} of {cases.Length} differ:\n{string.Join('\n', differences.Take(20))}");
    }

    private static (string Template, string Python) Same(string expression) => (expression, expression);

    private static string? Difference(string expression, JsonElement outcome)
    {
        var actual = "";
        try
        {
            actual = new ChatTemplate($"{{{{ ({expression}) }}}}", new FamilyTemplateTests.FixedClock())
                .Render([], addGenerationPrompt: false);
        }
        catch (BeearException failure)
        {
            return outcome.TryGetProperty("error", out _) ? null : $"{expression} is {outcome}, but fails: {failure.Message}";
        }
        return outcome.TryGetProperty("text", out var text) && text.GetString() == actual
            ? null : $"{expression} is {outcome}, not {actual}";
    }

    private static async Task<string> RunAsync(string input)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo("python3", ["-I", "-c", Script])
                {
                    UseShellExecute = false,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true
                })!;
            var output = process.StandardOutput.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            return await output;
        }
        catch (Win32Exception)
        {
            throw SkipException.ForSkip("python3 is not here");
        }
    }
}
