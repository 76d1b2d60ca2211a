using System.Text.Json;
using Beear.Text;

namespace Beear.Data.Readers;

/// <summary>Which columns make an example.</summary>
/// <param name="Request">The request, or a conversation: a list of turns.</param>
/// <param name="Answer">The answer, or a list of turns that ends with it; null where there is none, or it is in the conversation.</param>
/// <param name="Input">What belongs to the request and follows it after a blank line.</param>
/// <param name="System">The system prompt.</param>
internal sealed record RowLayout(string Request, string? Answer = null, string? Input = null, string? System = null)
{
    /// <summary>What a request for code is about, such as "CWE-078".</summary>
    private const string TopicColumn = "cwe";

    private static readonly string[] SystemPrompts = ["system", "system_prompt"];

    /// <summary>The known formats; the first whose request and answer are there is taken.</summary>
    private static readonly RowLayout[] Known =
    [
        new("goal", "target"),                          // AdvBench, JailbreakBench
        new("instruction", "output", "input"),          // Alpaca
        new("instruction", "response", "context"),      // Dolly
        Conversations("messages"), Conversations("conversations"),
        new("prompt", "response"), new("prompt", "completion"), new("prompt", "target"), new("prompt", "output"), new("prompt", "answer"),
        new("prompt", "chosen"),
        new("question", "answer"), new("question", "response"), new("question", "chosen"),
        new("query", "response"), new("query", "answer"), new("input", "output"),
        Conversations("conversation"), Conversations("data"),
        new("goal"), new("behavior", null, "contextstring"), new("forbidden_prompt"),  // HarmBench, StrongREJECT
        new("prompt", null, "context"), new("instruction", null, "input"), new("question"), new("query"), new("request"),
    ];

    /// <summary>Whether the requests have to be conversations.</summary>
    private bool IsConversation { get; init; }

    /// <summary>Whether a row with these columns is in a known format, or the mapping's.</summary>
    public static bool Fits(IReadOnlyList<string> names, ColumnMapping? mapping) => mapping is null
        ? Array.Exists(Known, layout => layout.Fits(names))
        : Has(names, mapping.Request);

    /// <summary>The layout of a file's rows, by its first one.</summary>
    /// <exception cref="BeearException">The format is not known.</exception>
    public static RowLayout Recognise(DataRow first)
    {
        var layout = Array.Find(Known, layout => layout.Fits(first.Names)) ?? Only(first) ?? throw new BeearException(
            $"'{first.Source}' is in none of the known formats: its columns are {DataRow.List(first.Names)}; "
            + "say which of them hold requests and answers, as in --columns request=NAME,answer=NAME.");
        return layout with { System = SystemColumn(first.Names) };
    }

    /// <summary>The layout that a mapping names.</summary>
    /// <exception cref="BeearException">The file has no such column.</exception>
    public static RowLayout Of(ColumnMapping mapping, DataRow first, AnswerUse answers)
    {
        var layout = new RowLayout(mapping.Request, answers == AnswerUse.Unused ? null : mapping.Answer, null, mapping.System);
        foreach (string? column in (string?[])[layout.Request, layout.Answer, layout.System]) first.RequireColumn(column);
        return layout;
    }

    /// <summary>A row's example.</summary>
    /// <param name="row">The row.</param>
    /// <param name="answers">Whether answers are read.</param>
    /// <param name="option">How a user names columns, for a message.</param>
    /// <exception cref="BeearException">A value does not fit.</exception>
    public Example Read(DataRow row, AnswerUse answers, string option)
    {
        try
        {
            return Convert(row, answers, option) with { Origin = new Origin(row.Place(row.What(Request))) };
        }
        catch (InvalidOperationException failure)
        {
            throw row.HalfCharacter(row.What(Request), failure);
        }
    }

    private Example Convert(DataRow row, AnswerUse answers, string option)
    {
        var request = row[Request];
        string what = row.What(Request);
        if (IsConversation && request.ValueKind != JsonValueKind.Array)
            throw row.Error(what, $"{DataRow.Describe(request)} where a list of turns is expected");
        string? answer = Answer is null || answers == AnswerUse.Unused ? null : AnswerText(row, Answer);
        bool readsAnswer = answers != AnswerUse.Unused && answer is null;
        var example = request.ValueKind == JsonValueKind.Array
            ? Conversation.Read(Turn.List(row, request, what), readsAnswer) ?? throw row.Error(what, "holds no turn of the user")
            : new Example(WithInput(row, row.Text(request, what)), "");
        if (string.IsNullOrWhiteSpace(example.Request)) throw row.Error(what, "holds no request; every row needs one");
        if (answers == AnswerUse.Needed && answer is null && example.Answer.Length == 0) throw NoAnswer(row, request, what, option);
        if (Has(row.Names, TopicColumn) && row.Value(TopicColumn) is not null) example = example with { Topic = row.Text(TopicColumn) };
        return WithSystem(row, System, answer is null ? example : example with { Answer = answer });
    }

    private static RowLayout Conversations(string column) => new(column) { IsConversation = true };

    /// <summary>Whether a column is among the names, case and surrounding blanks aside.</summary>
    public static bool Has(IReadOnlyList<string> names, string column) =>
        names.Any(name => name.Trim().Equals(column.Trim(), StringComparison.OrdinalIgnoreCase));

    private bool Fits(IReadOnlyList<string> names) => Has(names, Request) && (Answer is null || Has(names, Answer));

    /// <summary>A file of one column holds requests, whatever it is called, unless that is a request itself.</summary>
    private static RowLayout? Only(DataRow first) => first.Names is not [var name] ? null
        : name.Trim().Count(char.IsWhiteSpace) < 3 ? new RowLayout(name)
        : throw new BeearException($"'{first.Source}': its only column is called '{name}', which reads like a request; "
            + "write a header above it, such as prompt.");

    private static string AnswerText(DataRow row, string column)
    {
        var value = row[column];
        string what = row.What(column);
        if (value.ValueKind != JsonValueKind.Array) return row.Text(value, what);
        return Turn.List(row, value, what).LastOrDefault(turn => turn.Role == Turn.Assistant)?.Text()
            ?? throw row.Error(what, "holds no turn of the assistant");
    }

    private string WithInput(DataRow row, string request)
    {
        string input = Input is not null && row.Value(Input) is not null ? row.Text(Input) : "";
        return string.IsNullOrWhiteSpace(input) ? request : $"{request}\n\n{input}";
    }

    /// <summary>The column of system prompts; null if there is none.</summary>
    public static string? SystemColumn(IReadOnlyList<string> names) => Array.Find(SystemPrompts, column => Has(names, column));

    /// <summary>The example with the system prompt of a column, where it has none of its own.</summary>
    public static Example WithSystem(DataRow row, string? column, Example example)
    {
        string system = column is not null && row.Value(column) is not null ? row.Text(column) : "";
        return string.IsNullOrWhiteSpace(system) || example.Context is [{ Role: Turn.System }, ..] ? example
            : example with { Context = [ChatTurn.System(system), .. example.Context] };
    }

    private BeearException NoAnswer(DataRow row, JsonElement request, string what, string option) =>
        request.ValueKind == JsonValueKind.Array
        ? row.Error(what, "ends with the user's turn, but an answer is needed here")
        : new BeearException($"'{row.Source}' has requests in column '{row.Find(Request)}' but no answers, which are needed here: "
            + $"its columns are {DataRow.List(row.Names)}; name the answers' column by {option} request={row.Find(Request)},answer=NAME.");
}
