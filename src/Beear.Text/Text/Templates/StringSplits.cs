namespace Beear.Text.Templates;

/// <summary>The methods that cut a string into parts.</summary>
internal static class StringSplits
{
    public static List<object?> Lines(string text, bool keepEnds, RenderState state)
    {
        state.ChargeItems(text.Count(PythonText.IsLineEnd));
        return [.. PythonText.Lines(text, keepEnds)];
    }

    public static List<object?> Split(string text, Arguments arguments, RenderState state, bool fromEnd)
    {
        var limit = arguments.Integer(1, "maxsplit", -1);
        if (limit is < 0 or > int.MaxValue) limit = int.MaxValue - 1;
        if (arguments.Get(0, "sep") is null) return AtSpaces(text, limit, fromEnd, state);
        var separator = arguments.RequireText(0, "sep");
        if (separator.Length == 0) throw new TemplateException("'split' needs a separator that is not empty");
        state.ChargeSearch(text, separator);
        if (!fromEnd)
        {
            state.ChargeItems(Math.Min(limit, StringMethods.Count(text, separator, state)));
            return [.. text.Split(separator, (int)limit + 1)];
        }
        // From the end, matches that overlap are found in another order than from the start.
        var (parts, end) = (new List<string>(), text.Length);
        while (parts.Count < limit && end >= separator.Length
            && text.LastIndexOf(separator, end - 1, end, StringComparison.Ordinal) is var at and >= 0)
        {
            state.ChargeItems(1);
            parts.Add(text[(at + separator.Length)..end]);
            end = at;
        }
        parts.Add(text[..end]);
        parts.Reverse();
        return [.. parts];
    }

    public static TupleValue Partition(string text, Arguments arguments, RenderState state, bool fromEnd)
    {
        var separator = arguments.RequireText(0, "sep");
        if (separator.Length == 0) throw new TemplateException("'partition' needs a separator that is not empty");
        state.ChargeSearch(text, separator);
        var at = fromEnd ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0) return new TupleValue(fromEnd ? ["", "", text] : [text, "", ""]);
        return new TupleValue([text[..at], separator, text[(at + separator.Length)..]]);
    }

    private static List<object?> AtSpaces(string text, long limit, bool fromEnd, RenderState state)
    {
        var parts = new List<string>();
        var rest = (fromEnd ? PythonText.StripEnd(text) : PythonText.StripStart(text)).AsMemory();
        while (rest.Length > 0)
        {
            state.ChargeItems(1);
            var span = rest.Span;
            var at = fromEnd ? span.Length - 1 : 0;
            while (at >= 0 && at < span.Length && !PythonText.IsSpace(span[at])) at += fromEnd ? -1 : 1;
            if (parts.Count == limit || at < 0 || at == span.Length)
            {
                parts.Add(rest.ToString());
                break;
            }
            parts.Add((fromEnd ? rest[(at + 1)..] : rest[..at]).ToString());
            while (at >= 0 && at < span.Length && PythonText.IsSpace(span[at])) at += fromEnd ? -1 : 1;
            rest = fromEnd ? rest[..(at + 1)] : rest[at..];
        }
        if (fromEnd) parts.Reverse();
        return [.. parts];
    }
}
