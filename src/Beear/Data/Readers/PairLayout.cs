using System.Text.Json;

namespace Beear.Data.Readers;

/// <summary>Which columns make a pair of answers.</summary>
/// <param name="Prompt">What both answer; null where the answers' columns hold whole dialogues.</param>
/// <param name="System">The system prompt; null for none.</param>
internal sealed record PairLayout(string? Prompt, string? System)
{
    private const string Chosen = "chosen", Rejected = "rejected";
    private static readonly string[] Prompts = ["prompt", "question"];

    /// <summary>Whether rows with these columns are pairs.</summary>
    public static bool Fits(IReadOnlyList<string> names) => RowLayout.Has(names, Chosen) && RowLayout.Has(names, Rejected);

    /// <summary>The layout of a file's rows, by its first one.</summary>
    /// <exception cref="BeearException">It has no pairs.</exception>
    public static PairLayout Recognise(DataRow first) => Fits(first.Names)
        ? new PairLayout(Array.Find(Prompts, column => RowLayout.Has(first.Names, column)), RowLayout.SystemColumn(first.Names))
        : throw new BeearException($"'{first.Source}' has no pairs of answers: its columns are {DataRow.List(first.Names)}; "
            + $"call those of the answers '{Chosen}' and '{Rejected}'.");

    /// <summary>A row's pair.</summary>
    /// <param name="row">The row.</param>
    /// <param name="problem">Where and why the pair cannot be used, as a sentence; null if it can.</param>
    /// <returns>Null if it cannot be used.</returns>
    /// <exception cref="BeearException">A value is of a wrong type, or a dialogue lacks the user.</exception>
    public PreferencePair? Read(DataRow row, out string? problem)
    {
        try
        {
            var prompt = PromptTurns(row);
            if (Side(row, Chosen, prompt, out problem) is not { } chosen) return null;
            if (Side(row, Rejected, prompt, out problem) is not { } rejected) return null;
            string? fault = !chosen.Conversation.SequenceEqual(rejected.Conversation)
                ? $"answers another conversation than {row.What(Chosen)}; give both sides the same turns up to the user's last one"
                : chosen.Answer == rejected.Answer ? $"holds the same answer as {row.What(Chosen)}; give two different ones"
                : null;
            problem = Problem(row, Rejected, fault);
            return fault is null ? PreferencePair.Of(chosen, rejected.Answer) : null;
        }
        catch (InvalidOperationException failure)
        {
            throw row.HalfCharacter(row.What(Chosen), failure);
        }
    }

    /// <summary>The turns before both answers; an answer that a dialogue leaves open ("Assistant:") is none.</summary>
    private IReadOnlyList<Turn> PromptTurns(DataRow row)
    {
        if (Prompt is null || row.Value(Prompt) is null) return [];
        var turns = Turns(row, Prompt, Turn.User);
        return turns is [.., { Role: Turn.Assistant } open] && string.IsNullOrWhiteSpace(open.Text()) ? [.. turns.SkipLast(1)] : turns;
    }

    /// <summary>One side's conversation and answer; null, with the problem, if they are not to be used.</summary>
    private Example? Side(DataRow row, string column, IReadOnlyList<Turn> prompt, out string? problem)
    {
        var turns = Turns(row, column, Turn.Assistant);
        bool isWhole = turns.FirstOrDefault(turn => turn.Role != Turn.System)?.Role == Turn.User;
        if (!isWhole) turns = [.. prompt, .. turns];
        if (turns.FirstOrDefault(turn => turn.Role is null) is { } unknown) throw unknown.Unreadable();
        var example = Conversation.Read(turns, readsAnswer: true) ?? throw row.Error(row.What(column),
            @"holds no turn of the user; write it as ""\n\nHuman: …\n\nAssistant: …"" or as a list of turns, or add a column 'prompt'");
        bool endsWell = turns.Where(turn => turn.Role != Turn.Tool).ToList() is [.., { Role: Turn.User }, { Role: Turn.Assistant }];
        string? fault = !endsWell ? "does not end with a turn of the user and one answer; end it so"
            : string.IsNullOrWhiteSpace(example.Answer) ? "holds an empty answer; write one"
            : string.IsNullOrWhiteSpace(example.Request) ? "holds an empty turn of the user before the answer; write one"
            : null;
        problem = Problem(row, column, fault);
        if (fault is not null) return null;
        return RowLayout.WithSystem(row, System, example) with { Origin = new Origin(row.Place(row.What(column))) };
    }

    /// <summary>What a column says: turns, a dialogue in one text, or a text of a role.</summary>
    private static IReadOnlyList<Turn> Turns(DataRow row, string column, string role)
    {
        var value = row[column];
        string what = row.What(column);
        if (value.ValueKind == JsonValueKind.Array) return Turn.List(row, value, what);
        string text = row.Text(value, what);
        return Dialogue.Is(text) ? Dialogue.Turns(row, text, what) : [new Turn(role, value, row, what)];
    }

    private static string? Problem(DataRow row, string column, string? fault) =>
        fault is null ? null : row.Error(row.What(column), fault).Message;
}
