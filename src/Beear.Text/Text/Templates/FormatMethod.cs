using System.Globalization;
using System.Text;

namespace Beear.Text.Templates;

/// <summary>Python's <c>str.format</c>; fields reach attributes and items by the sandbox's rules.</summary>
internal sealed class FormatMethod
{
    private const int MaximumDepth = 2;
    private readonly Arguments _arguments;
    private readonly Mapping? _mapping;
    private readonly RenderState _state;
    private int _next;

    private FormatMethod(Arguments arguments, Mapping? mapping, RenderState state) =>
        (_arguments, _mapping, _state) = (arguments, mapping, state);

    public static string Format(string pattern, Arguments arguments, RenderState state) =>
        new FormatMethod(arguments, null, state).Run(pattern, MaximumDepth);

    /// <summary><c>str.format_map</c>.</summary>
    public static string FormatMap(string pattern, Mapping mapping, RenderState state) =>
        new FormatMethod(Arguments.None, mapping, state).Run(pattern, MaximumDepth);

    private string Run(string pattern, int depth)
    {
        if (depth == 0) throw new TemplateException("the fields of a format are nested too deeply");
        var output = new StringBuilder();
        for (var at = 0; at < pattern.Length; at++)
        {
            var character = pattern[at];
            if (character is not ('{' or '}')) output.Append(character);
            else if (at + 1 < pattern.Length && pattern[at + 1] == character) output.Append(pattern[at++]);
            else if (character == '}') throw new TemplateException("a format has a '}' without '{'");
            else
            {
                var end = EndOfField(pattern, at);
                _state.Append(output, Field(pattern[(at + 1)..end], depth));
                at = end;
            }
        }
        return output.ToString();
    }

    private static int EndOfField(string pattern, int start)
    {
        var open = 0;
        for (var at = start; at < pattern.Length; at++)
        {
            open += pattern[at] switch { '{' => 1, '}' => -1, _ => 0 };
            if (open == 0) return at;
        }
        throw new TemplateException("a format has a '{' without '}'");
    }

    /// <summary>name[!conversion][:spec].</summary>
    private string Field(string field, int depth)
    {
        _state.Step();
        var mark = EndOfName(field);
        var value = Find(field[..mark]);
        var rest = field[mark..];
        if (rest is ['!', var conversion, ..])
        {
            value = conversion switch
            {
                's' => PythonRepr.Str(value, _state),
                'r' => PythonRepr.Repr(value, _state),
                'a' => PythonRepr.Repr(value, _state, onlyAscii: true),
                _ => throw new TemplateException($"the conversion '!{conversion}' of a format is not known"),
            };
            rest = rest[2..];
        }
        if (rest is not ("" or [':', ..])) throw new TemplateException("a field of a format is not understood");
        if (value is Undefined) value = "";
        return FormatSpec.Parse(rest.Length == 0 ? "" : Run(rest[1..], depth - 1)).Apply(value, _state);
    }

    private static int EndOfName(string field)
    {
        var inBrackets = false;
        for (var at = 0; at < field.Length; at++)
        {
            if (field[at] == '[') inBrackets = true;
            else if (field[at] == ']') inBrackets = false;
            else if (field[at] is '!' or ':' && !inBrackets) return at;
        }
        return field.Length;
    }

    private object? Find(string path)
    {
        var end = path.AsSpan().IndexOfAny('.', '[') is var found and >= 0 ? found : path.Length;
        var value = First(path[..end]);
        for (var at = end; at < path.Length;)
        {
            var isItem = path[at] == '[';
            var stop = isItem ? path.IndexOf(']', at) : path.AsSpan(at + 1).IndexOfAny('.', '[') is var next and >= 0
                ? at + 1 + next : path.Length;
            if (stop < 0 || stop == at + 1) throw new TemplateException("a field of a format is not understood");
            var name = path[(at + 1)..stop];
            value = !isItem ? Members.Attribute(value, name, _state)
                : Members.Item(value, int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                    ? (long)index : name, _state);
            at = isItem ? stop + 1 : stop;
        }
        return value;
    }

    private object? First(string name)
    {
        if (name.Length == 0 || name.All(char.IsAsciiDigit))
        {
            var isIndex = int.TryParse(name.Length == 0 ? $"{_next++}" : name, CultureInfo.InvariantCulture, out var index);
            return isIndex && index < _arguments.Positional.Count
                ? _arguments.Positional[index] : throw new TemplateException("a format needs more values");
        }
        object? value = null;
        var isThere = _mapping is null ? _arguments.Named.TryGetValue(name, out value) : _mapping.TryGet(name, out value);
        return isThere ? value : throw new TemplateException($"a format names '{name}', which is not there");
    }
}
