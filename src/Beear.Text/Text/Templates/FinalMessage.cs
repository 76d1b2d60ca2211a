namespace Beear.Text.Templates;

/// <summary>Cuts a rendered conversation behind the content of its last message, which is found by a mark at its end.</summary>
internal static class FinalMessage
{
    private const string Mark = "THE_FINAL_MESSAGE_ENDS_HERE";

    /// <summary>Renders with a mark and cuts there.</summary>
    /// <exception cref="BeearException">There is no content to continue, or the template drops it.</exception>
    public static RenderedChat Cut(IReadOnlyList<ChatTurn> messages, Func<IReadOnlyList<ChatTurn>, RenderedChat> render)
    {
        if (messages.Count == 0) throw new BeearException("There is no last message to continue; add the beginning of an answer.");
        // A template that trims contents takes the blank behind the mark, and with it the message's own blanks.
        var rendered = render([.. messages.SkipLast(1), WithMark(messages[^1], Mark + " ")]);
        var end = rendered.Text.LastIndexOf(Mark, StringComparison.Ordinal);
        if (end < 0) throw new BeearException("The chat template does not write the last message as it is, so it cannot be continued.");
        var isTrimmed = string.CompareOrdinal(rendered.Text, end, Mark + " ", 0, Mark.Length + 1) != 0;
        var text = isTrimmed ? PythonText.StripEnd(rendered.Text[..end]) : rendered.Text[..end];
        var generated = rendered.Generated.Where(part => part.Start.Value < text.Length)
            .Select(part => part.Start.Value..Math.Min(part.End.Value, text.Length)).ToList();
        return new RenderedChat(text, generated);
    }

    private static ChatTurn WithMark(ChatTurn message, string mark)
    {
        if (!message.Fields.TryGetValue("content", out var content)) return message with { Content = message.Content + mark };
        object marked = TemplateValues.From(content) switch
        {
            string text => text + mark,
            List<object?> parts when parts.FindLastIndex(part => part is Mapping mapping && mapping.TryGet("text", out var text)
                && text is string) is var last and >= 0 =>
                    parts.Select((part, i) => i == last ? WithMark((Mapping)part!, mark) : part).ToList(),
            _ => throw new BeearException("The last message has no text to continue; add the beginning of an answer."),
        };
        return message with { Fields = new Dictionary<string, object?>(message.Fields, StringComparer.Ordinal) { ["content"] = marked } };
    }

    private static Mapping WithMark(Mapping part, string mark)
    {
        var marked = new Mapping();
        marked.AddAll(part);
        marked["text"] = part.TryGet("text", out var text) ? text + mark : mark;
        return marked;
    }
}
