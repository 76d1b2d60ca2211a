using System.Collections.Frozen;
using System.Text.Json;
using Beear.Text;

namespace Beear.Data.Readers;

/// <summary>One turn of a conversation as a file has it. What is said is read when it is asked for.</summary>
/// <param name="Role">"system", "user", "assistant", "tool"; null if it cannot be told.</param>
/// <param name="Said">The text, or a list of its parts.</param>
/// <param name="Row">The row that it stands in.</param>
/// <param name="Place">Where in the row, for messages.</param>
internal sealed record Turn(string? Role, JsonElement Said, DataRow Row, string Place)
{
    public const string User = "user", Assistant = "assistant", System = "system", Tool = "tool";

    private static readonly string[] SpeakerNames = ["role", "from", "speaker"], SaidNames = ["content", "value", "text"];

    private static readonly FrozenDictionary<string, string> Roles = new (string Role, string Names)[]
    {
        (User, "user human prompter"),
        (Assistant, "assistant gpt bot model chatgpt chatbot ai bing bard"),
        (System, "system developer"),
        (Tool, "tool function ipython function_call function_response observation"),
    }
    .SelectMany(role => role.Names.Split(' ').Select(name => KeyValuePair.Create(name, role.Role)))
    .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private const string NoFields = "has no 'role' and 'content', or 'from' and 'value'";

    private string Problem { get; init; } = "";

    /// <summary>Whether an object looks like a turn: it names a speaker.</summary>
    public static bool IsTurn(JsonElement turn) => Property(turn, SpeakerNames) is not null;

    /// <summary>The turns of a list: objects that name a speaker, or texts of user and assistant by turns.</summary>
    public static IReadOnlyList<Turn> List(DataRow row, JsonElement list, string what) =>
        [.. list.EnumerateArray().Select((turn, i) => Of(turn, i % 2 == 0 ? User : Assistant, row, $"{what}, turn {i + 1}"))];

    /// <summary>The turn as templates know it.</summary>
    /// <exception cref="BeearException">The speaker is not known, or what is said is no text.</exception>
    public ChatTurn ToMessage() => new(Role ?? throw Unreadable(), Text());

    /// <summary>What is said.</summary>
    /// <exception cref="BeearException">It is no text, or has parts that are none.</exception>
    public string Text() =>
        Said.ValueKind == JsonValueKind.Array ? string.Concat(Said.EnumerateArray().Select(Part)) : Row.Text(Said, Place);

    /// <summary>Why nobody can tell whose turn it is.</summary>
    public BeearException Unreadable() => Row.Error(Place, Problem);

    private static Turn Of(JsonElement turn, string textRole, DataRow row, string place)
    {
        if (turn.ValueKind == JsonValueKind.String) return new Turn(textRole, turn, row, place);
        Turn Without(string problem) => new(null, default, row, place) { Problem = problem };
        if (turn.ValueKind != JsonValueKind.Object)
            return Without($"{DataRow.Describe(turn)} where a turn, an object in braces, is expected");
        if (Property(turn, SpeakerNames) is not { ValueKind: JsonValueKind.String } speaker) return Without(NoFields);
        string name = row.Text(speaker, place);
        if (Roles.GetValueOrDefault(name.Trim()) is not { } role)
            return Without($"is by '{name}', who is not known; call the speakers system, user and assistant");
        var said = Property(turn, SaidNames);
        if (role == Tool || (role == Assistant && OnlyCalls(turn, said))) return new Turn(Tool, default, row, place);
        return said is null ? Without(NoFields) : new Turn(role, said.Value, row, place);
    }

    /// <summary>Whether the assistant calls a tool and says nothing.</summary>
    private static bool OnlyCalls(JsonElement turn, JsonElement? said) =>
        (said is null or { ValueKind: JsonValueKind.Null } || (said.Value.ValueKind == JsonValueKind.String && said.Value.ValueEquals("")))
        && Property(turn, ["tool_calls", "function_call"]) is { } calls
        && (calls.ValueKind == JsonValueKind.Object || (calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0));

    /// <summary>The first property with a value, else the first that is there: tables have a null where a turn has no such field.</summary>
    private static JsonElement? Property(JsonElement turn, string[] names)
    {
        JsonElement[] found = [.. names.SelectMany(name => turn.EnumerateObject()
            .Where(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(property => property.Value))];
        return found.Length == 0 ? null : found[Math.Max(Array.FindIndex(found, value => value.ValueKind != JsonValueKind.Null), 0)];
    }

    private string Part(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String) return Row.Text(part, Place);
        if (part.ValueKind != JsonValueKind.Object)
            throw Row.Error(Place, $"{DataRow.Describe(part)} where a part, an object in braces, is expected");
        if (Property(part, ["type"]) is { ValueKind: JsonValueKind.String } type
            && Row.Text(type, Place) is var kind && !kind.EndsWith("text", StringComparison.OrdinalIgnoreCase))
        {
            throw Row.Error(Place, $"holds a part of the type '{kind}'; only texts are read");
        }
        return Property(part, ["text"]) is { } text ? Row.Text(text, Place) : throw Row.Error(Place, "holds a part without a text");
    }
}
