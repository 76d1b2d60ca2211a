using System.Numerics;

namespace Beear.Text.Templates;

/// <summary>
/// Jinja's filters of single values; <see cref="TextFilters"/> has those of texts, <see cref="SequenceFilters"/> those of sequences.
/// </summary>
internal static class Filters
{
    internal delegate object? Filter(object? value, Arguments arguments, RenderState state);

    private static readonly Dictionary<string, Filter> s_filters = Create();

    public static bool Exists(string name) => s_filters.ContainsKey(name);

    public static object? Apply(string name, object? value, Arguments arguments, RenderState state)
    {
        state.ChargeKey(name);
        if (!s_filters.TryGetValue(name, out var filter)) throw new TemplateException($"the filter '{name}' does not exist");
        if (value is string text) state.Charge(text.Length);
        return filter(value, arguments, state);
    }

    private static Dictionary<string, Filter> Create()
    {
        var filters = new Dictionary<string, Filter>([.. SequenceFilters.All, .. TextFilters.All], StringComparer.Ordinal)
        {
            ["int"] = (value, arguments, state) =>
                ToInteger(value, (int)Math.Clamp(arguments.Integer(1, "base", 10), 0, 36), state) ?? arguments.Get(0, "default", 0L),
            ["float"] = (value, arguments, _) => ToFloat(value) ?? arguments.Get(0, "default", 0.0),
            ["abs"] = (value, _, _) => Absolute(value),
            ["round"] = (value, arguments, state) => Round(value, arguments, state),
            ["default"] = (value, arguments, _) =>
                value is Undefined || (arguments.Flag(1, "boolean") && !Values.IsTrue(value))
                    ? arguments.Get(0, "default_value", "") : value,
            ["attr"] = (value, arguments, state) => value is Mapping mapping && arguments.RequireText(0, "name") is var name
                ? CollectionMethods.Find(mapping, name) ?? Undefined.Attribute(value, name)
                : Members.Attribute(value, arguments.RequireText(0, "name"), state),
            ["filesizeformat"] = (value, arguments, _) =>
                FileSize(ToFloat(value) ?? throw Unfit("filesizeformat", value), arguments.Flag(0, "binary")),
            ["random"] = (_, _, _) => throw new TemplateException(
                "the filter 'random' is not supported: a chat template has to give the same text each time"),
        };
        (string Alias, string Name)[] aliases = [("d", "default"), ("e", "escape"), ("forceescape", "escape"), ("count", "length")];
        foreach (var (alias, name) in aliases) filters[alias] = filters[name];
        return filters;
    }

    public static TemplateException Unfit(string filter, object? value) =>
        (value as Undefined)?.Fail() ?? new TemplateException($"the filter '{filter}' does not apply to {Values.Describe(value)}");

    private static object? ToInteger(object? value, int radix, RenderState state)
    {
        switch (value)
        {
            case Undefined undefined: throw undefined.Fail();
            case long or BigInteger: return value;
            case bool: return Values.ToInteger(value);
            case string text when Numbers.ParseInteger(text, radix, state) is { } integer: return integer;
            default: return ToFloat(value) is { } number && double.IsFinite(number) ? Numbers.Integer(new BigInteger(number)) : null;
        }
    }

    private static double? ToFloat(object? value) => value switch
    {
        Undefined undefined => throw undefined.Fail(),
        string text => Numbers.ParseFloat(text),
        _ => Numbers.IsNumber(value) ? Numbers.ToDouble(value) : null,
    };

    private static object Absolute(object? value) => value switch
    {
        double number => Math.Abs(number),
        _ when Numbers.IsInteger(value) => Numbers.Integer(BigInteger.Abs(Numbers.ToBig(value))),
        _ => throw Unfit("abs", value),
    };

    private static object Round(object? value, Arguments arguments, RenderState state)
    {
        var places = arguments.Integer(0, "precision", 0);
        state.Charge(400 + 8 * Math.Min(Math.Abs(Math.Max(places, -1000)), 1000));
        var method = arguments.Get(1, "method", "common");
        if (!Numbers.IsNumber(value)) throw Unfit("round", value);
        if (method is "common")
        {
            if (value is double number) return DecimalText.Round(number, places);
            return places >= 0 ? Numbers.Integer(Numbers.ToBig(value)) : RoundInteger(Numbers.ToBig(value), -places);
        }
        if (method is not ("ceil" or "floor")) throw new TemplateException("the method of 'round' is 'common', 'ceil' or 'floor'");
        var scale = Math.Pow(10, places);
        var scaled = Numbers.ToDouble(value) * scale;
        return (method is "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale;
    }

    private static object RoundInteger(BigInteger value, long zeros)
    {
        if (zeros > 400) return 0L;
        var unit = BigInteger.Pow(10, (int)zeros);
        var quotient = BigInteger.DivRem(value, unit, out var rest);
        var half = BigInteger.Abs(rest * 2).CompareTo(unit);
        if (half > 0 || (half == 0 && !quotient.IsEven)) quotient += value.Sign;
        return Numbers.Integer(quotient * unit);
    }

    private static string FileSize(double bytes, bool isBinary)
    {
        var unit = isBinary ? 1024.0 : 1000.0;
        if (bytes == 1) return "1 Byte";
        if (bytes < unit) return $"{(long)bytes} Bytes";
        const string Prefixes = "kMGTPEZY";
        var power = 1;
        while (power < Prefixes.Length && bytes >= Math.Pow(unit, power + 1)) power++;
        var prefix = isBinary ? char.ToUpperInvariant(Prefixes[power - 1]) + "i" : Prefixes[power - 1].ToString();
        return $"{DecimalText.Fixed(unit * bytes / Math.Pow(unit, power + 1), 1)} {prefix}B";
    }
}
