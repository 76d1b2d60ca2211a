using System.Text.Json;

namespace Beear.Data.Readers;

/// <summary>How a row's columns become an example.</summary>
internal abstract class RowLayout
{
    private static readonly RowLayout[] Known =
    [
        new TextLayout("goal", null, "target"),                     // AdvBench
        new TextLayout("instruction", "input", "output"),           // Alpaca
        new TextLayout("instruction", "context", "response"),       // Dolly
        new ChatLayout("messages", "role", "content"),
        new ChatLayout("conversations", "from", "value"),
        new TextLayout("prompt", null, "response"),
        new TextLayout("prompt", null, "completion"),
        new TextLayout("question", null, "answer"),
    ];

    public static RowLayout Recognise(DataRow first) => Array.Find(Known, layout => layout.Fits(first)) ?? throw new BeearException(
        $"'{first.Source}' is in none of the known formats: its columns are {first.Names()}; say which of them hold requests and answers.");

    public static RowLayout Of(ColumnMapping mapping) => new TextLayout(mapping.Request, null, mapping.Answer);

    public Example Read(DataRow row)
    {
        var example = Convert(row);
        return string.IsNullOrWhiteSpace(example.Request)
            ? throw row.Error($"column '{RequestColumn}'", "holds no request; every row needs one")
            : example;
    }

    protected abstract string RequestColumn { get; }

    protected abstract bool Fits(DataRow row);

    protected abstract Example Convert(DataRow row);

    /// <summary>Request and answer in columns of their own; what belongs to the request may have a third.</summary>
    private sealed class TextLayout(string request, string? input, string? answer) : RowLayout
    {
        protected override string RequestColumn => request;

        protected override bool Fits(DataRow row) => row.Has(request) && row.Has(answer!);

        protected override Example Convert(DataRow row)
        {
            var text = row.Text(request);
            var more = input is not null && row.HasValue(input) ? row.Text(input) : "";
            if (!string.IsNullOrWhiteSpace(more)) text = $"{text}\n\n{more}";
            return new Example(text, answer is null ? "" : row.Text(answer));
        }
    }

    /// <summary>A conversation in one column: its first exchange is taken.</summary>
    private sealed class ChatLayout(string turns, string role, string content) : RowLayout
    {
        protected override string RequestColumn => turns;

        protected override bool Fits(DataRow row) => row.Has(turns);

        protected override Example Convert(DataRow row)
        {
            if (row[turns].ValueKind != JsonValueKind.Array)
                throw row.Error($"column '{turns}'", $"is no list of turns with '{role}' and '{content}'");
            var conversation = row[turns].EnumerateArray().Select((turn, i) => Turn(row, turn, $"column '{turns}', turn {i + 1}")).ToList();
            if (conversation.Count > 0 && conversation[0].Role == "system")
            {
                if (!string.IsNullOrWhiteSpace(conversation[0].Content))
                    throw row.Error($"column '{turns}', turn 1", "is a system prompt, which an example cannot hold; remove it");
                conversation.RemoveAt(0);
            }
            if (conversation.Count == 0 || conversation[0].Role is not ("user" or "human"))
                throw row.Error($"column '{turns}'", "does not begin with a turn of the user");
            if (conversation.Count == 1) return new Example(conversation[0].Content, "");
            return conversation[1].Role is "assistant" or "gpt"
                ? new Example(conversation[0].Content, conversation[1].Content)
                : throw row.Error($"column '{turns}', turn 2", $"is by '{conversation[1].Role}' where the assistant is to answer");
        }

        private (string Role, string Content) Turn(DataRow row, JsonElement turn, string what) =>
            turn.ValueKind == JsonValueKind.Object
                && turn.TryGetProperty(role, out var speaker) && turn.TryGetProperty(content, out var said)
                ? (row.Text(speaker, what), row.Text(said, what))
                : throw row.Error(what, $"has no '{role}' and '{content}'");
    }
}
