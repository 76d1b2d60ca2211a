using System.Text;
using System.Text.Json.Nodes;

namespace Beear.Tests.Text.Templates;

/// <summary>
/// Templates and conversations from a grammar of what real templates use, where npm's @huggingface/jinja and Python's jinja2 agree. Left
/// out, because jinja2 (which is the truth) does it otherwise than the package: - variables set in a loop's body (there they live on in the
/// next iteration, so all names here are new ones), and output before a break or continue (there it is lost, so both come first here);
/// 'loop' in the else of a loop, which is that of the loop around it; '+' beside a tag's brace, and braces in text (its whitespace rules
/// are replacements in the source, which also meet those); - printing none, booleans, lists and mappings; == between lists; first and last
/// of what is empty; capitalize and title (there the rest of a word keeps its case), and what sorts or compares letters of both cases:
/// unique, tojson's sort_keys; - macros that read variables from around their definition (there from around their call); loops over
/// strings; remainders of negative numbers; - the indent of an empty first line; attributes of undefined values and 'in' undefined ones,
/// arithmetic of booleans, mappings with keys that are numbers.
/// </summary>
internal sealed class TemplateGrammar(int seed)
{
    private const string Header =
        """
        {%- macro turn(role, text, mark='|') -%}
            {{ mark ~ role ~ mark }}{{ text | trim }}
        {%- endmacro -%}
        {%- macro boxed(title='box') %}[{{ title }}: {{ caller() }}]{% endmacro -%}
        {%- set ns = namespace(text='', count=0) -%}

        """;

    private static readonly string[] s_words =
        ["user", "assistant", "the", " tool ", "Über", "a-b", "日本", "x\\ny", "it\\'s", "<|im_start|>", ""];
    private static readonly string[] s_separators = ["", "", "\n", "\n  ", " ", "\n\n", "\n\t"];
    private readonly Random _random = new(seed);
    private readonly List<string> _texts = ["bos_token", "eos_token"];
    private readonly List<string> _turns = [];
    private int _loops;
    private int _names;

    public string Template() => Header + Body(4, 6);

    public JsonObject Conversation()
    {
        string[] roles = ["system", "user", "assistant", "tool"];
        string[] contents = ["Hi there", "  spaced out \n", "What's \"up\"?\n\n- a\n- b", "été Ωmega 日本", "",
            "<think>\nhm\n</think>\n\nso", "a\\b\tc/d"];
        var messages = new JsonArray();
        for (var i = _random.Next(1, 5); i > 0; i--)
        {
            var message = new JsonObject { ["role"] = Pick(roles), ["content"] = Pick(contents) };
            if (Chance(4)) message["name"] = Pick("ann", "Bob");
            if (Chance(4)) message["tool_calls"] = new JsonArray(new JsonObject { ["id"] = "c1", ["function"] = Function() });
            messages.Add(message);
        }
        var context = new JsonObject
        {
            ["messages"] = messages,
            ["bos_token"] = "<s>",
            ["eos_token"] = "</s>",
            ["add_generation_prompt"] = Chance(2)
        };
        context["tools"] = Chance(2) ? null : new JsonArray(new JsonObject { ["type"] = "function", ["function"] = Function() });
        return context;
    }

    private JsonObject Function() => new()
    {
        ["name"] = Pick("get_weather", "add"),
        ["arguments"] = new JsonObject
        {
            ["city"] = "Zürich",
            ["days"] = _random.Next(9),
            ["exact"] = Chance(2),
            ["at"] = new JsonArray(0.5, null, "x")
        },
    };

    private string Body(int depth, int most)
    {
        var (texts, body) = (_texts.Count, new StringBuilder());
        for (var i = _random.Next(1, most + 1); i > 0; i--) body.Append(Statement(depth - 1)).Append(Pick(s_separators));
        _texts.RemoveRange(texts, _texts.Count - texts);
        return body.ToString();
    }

    private string Statement(int depth) => _random.Next(depth > 0 ? 14 : 5) switch
    {
        0 => Pick("plain text", "two\nlines", "  indented", "end."),
        1 or 2 => $"{Pick("{{", "{{-")} {Text(3)} {Pick("}}", "-}}")}",
        3 => Chance(3) ? Tag($"set ns.count = ns.count + {Number(1)}") : Tag($"set ns.text = {Text(2)}"),
        4 => SetText(),
        5 => Tag($"if {Condition(2)}") + Body(depth, 3) + (Chance(3) ? Tag($"elif {Condition(2)}") + Body(depth, 2) : "")
            + (Chance(2) ? Tag("else") + Body(depth, 2) : "") + Tag("endif"),
        6 or 7 => Turns(depth),
        8 => Loop(depth),
        9 => "{{ turn(" + Pick($"{Text(2)}, {Text(2)}", $"text={Text(2)}, role={Text(1)}",
            $"{Text(1)}, {Text(2)}, mark={Text(1)}") + ") }}",
        10 => $"{{% call boxed({(Chance(2) ? Text(2) : "")}) %}}{Body(depth, 2)}{{% endcall %}}",
        11 => $"{{% filter {Pick("upper", "trim", "lower")} %}}{Body(depth, 2)}{{% endfilter %}}",
        12 => Pick("{# a note #}", "{#- a\nnote -#}", "{# #}"),
        _ => $"{{% generation %}}{{{{ {Text(2)} }}}}{{% endgeneration %}}",
    };

    private string SetText()
    {
        var (name, value) = ($"text{_names++}", Text(3));
        var set = Chance(3) ? $"{Tag($"set {name}")}{Pick("a ", "")}{{{{ {value} }}}}{Pick(" b", "")}{Tag("endset")}"
            : Tag($"set {name} = {value}");
        _texts.Add(name);
        return set;
    }

    private string Turns(int depth)
    {
        var name = $"turn{_names++}";
        var source = Pick("messages", "messages", "messages[1:]", "messages[::-1]",
            "messages | selectattr('role', 'equalto', 'user') | list",
            "(messages | rejectattr('role', 'equalto', 'tool') | list)");
        _turns.Add(name);
        var filter = Chance(4) ? $" if {name}.role != {Text(1)}" : "";
        _loops++;
        var jump = Chance(5) ? Tag($"if {Condition(1)}") + Tag(Pick("break", "continue")) + Tag("endif") : "";
        var body = jump + Body(depth, 4);
        _loops--;
        _turns.Remove(name);
        return Tag($"for {name} in {source}{filter}") + body + (Chance(4) ? Tag("else") + "no turns" : "") + Tag("endfor");
    }

    private string Loop(int depth)
    {
        var name = $"part{_names++}";
        if (Chance(3))
        {
            var source = Pick("{'b': 'x', 'a': 'y'}.items()", "{'b': 'x', 'A': 'y'} | dictsort",
                "dict_of_words | default({'k': 'v'}) | items");
            return Tag($"for key, {name} in {source}") + $"{{{{ key ~ '=' ~ {name} }}}}" + Pick("", ", ") + Tag("endfor");
        }
        var (list, isText) = Chance(2) ? ($"range({_random.Next(4)})", false) : (TextList(), true);
        _loops++;
        if (isText) _texts.Add(name);
        var body = Body(depth, 3);
        if (isText) _texts.Remove(name);
        _loops--;
        return Tag($"for {name} in {list}") + body + Tag("endfor");
    }

    private string Tag(string content) => $"{Pick("{%", "{%", "{%-")} {content} {Pick("%}", "%}", "-%}")}";

    private string Text(int depth)
    {
        if (depth == 0) return Chance(3) ? Pick([.. _texts]) : $"'{Pick(s_words)}'";
        string Inner() => Text(depth - 1);
        return _random.Next(20) switch
        {
            0 => Inner(),
            1 => Pick([.. _texts]),
            2 => $"({Inner()} + {Inner()})",
            3 => $"({Inner()} ~ {Pick(Inner(), Number(1))} ~ {Inner()})",
            4 => $"({Inner()} + {Inner()} | trim)",
            5 => $"{Inner()} | {Pick("upper", "lower", "trim", "string")}",
            6 => $"({Inner()}).{Pick("strip", "lstrip", "rstrip", "upper", "lower")}()",
            7 => $"({Inner()}).replace({Word()}, {Inner()})",
            8 => $"{Inner()} | replace({Word()}, {Inner()})",
            9 => $"({Inner()} if {Condition(depth - 1)} else {Inner()})",
            10 => $"({Inner()})[{Pick("1:", ":2", "1:3", "::-1", "-2:")}]",
            11 => $"({Inner()}).split({Word()}){Pick("[0]", "[-1]")}",
            12 => $"{TextList()} | join({Inner()})",
            13 => $"{Pick("messages", "tools", "messages[0]", "{'a': [1, 'x'], 'b': none}")} | "
                + $"tojson{Pick("", "", "(indent=2)", "(ensure_ascii=true)", "(separators=(',', ':'))", "(sort_keys=true)")}",
            14 => $"(undefined_name | default({Inner()}))",
            15 => $"('-' ~ {Inner()}) | indent({Pick("2", "2, true", "width=3", "1, first=true, blank=true")})",
            16 => "ns.text",
            17 => $"{Number(1)} | string",
            18 or 19 when _turns.Count > 0 => Pick([.. _turns]) is var turn && Chance(3)
                ? $"{turn}.get('name', {Inner()})"
                    : Pick($"{turn}.role", $"{turn}['content']", $"{turn}.content | trim", $"{turn}['role'] | upper"),
            _ => "messages[0].content",
        };
    }

    private string Number(int depth) => _random.Next(depth == 0 ? 3 : 7) switch
    {
        0 => _random.Next(10).ToString(System.Globalization.CultureInfo.InvariantCulture),
        1 => _loops > 0 ? "loop." + Pick("index", "index0", "revindex", "revindex0", "length") : "ns.count",
        2 => "messages | length",
        3 => $"({Number(depth - 1)} {Pick("+", "*", "-")} {Number(depth - 1)} * 2)",
        4 => $"({_random.Next(20)} {Pick("//", "%")} {_random.Next(1, 6)})",
        5 => $"({Text(1)} | length)",
        _ => $"({Pick("'17'", "'x'", "' 4'")} | int)",
    };

    private string Condition(int depth) => _random.Next(depth == 0 ? 8 : 11) switch
    {
        0 => $"{Text(1)} {Pick("==", "!=")} {Text(1)}",
        1 => $"{Text(1)} {Pick("in", "not in")} {Pick(Text(1), $"[{Text(0)}, {Text(0)}]")}",
        2 => $"{Number(1)} {Pick("<", ">", "<=", ">=", "==")} {Number(1)}",
        3 => Pick("add_generation_prompt", "tools", "not tools", "tools is none", "messages[0].role == 'system'",
            "undefined_name is defined"),
        4 => $"({Number(1)}) is {Pick("odd", "even", "not odd", "number")}",
        5 => $"({Text(1)}).{Pick("startswith", "endswith")}({Pick(Word(), "('a', '<')")})",
        6 => _loops > 0 ? Pick("loop.first", "loop.last", "not loop.last", "loop.index0 == 1", "loop.previtem is defined")
            : "messages | length > 1",
        7 => _turns.Count > 0 && Pick([.. _turns]) is var turn
            ? Pick($"{turn}.tool_calls is defined", $"{turn}.role == 'user'", $"'name' in {turn}", $"{turn}.content is string",
                $"{turn}['name'] is not defined") : $"{Text(1)} is string",
        8 => $"not {Condition(depth - 1)}",
        9 => $"({Condition(depth - 1)} {Pick("and", "or")} {Condition(depth - 1)})",
        _ => $"{Condition(depth - 1)} and {Condition(depth - 1)} or {Condition(depth - 1)}",
    };

    private string TextList() => Pick($"[{Text(1)}, {Text(1)}]", $"({Text(1)}).split()", $"({Text(1)}).split({Word()})",
        $"({Text(1)}).split(' ', 1)",
        "(messages | map(attribute='role') | list)",
            $"(['b', 'a', 'C', 'b'] | {Pick("sort", "unique", "reverse", "sort(reverse=true)")} | list)");

    private string Word() => $"'{Pick("a", "\\n", " ", "<", "the", "日", "</think>")}'";

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private string Pick(params string[] options) => options[_random.Next(options.Length)];
}
