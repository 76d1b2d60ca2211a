using System.Text.Json;
using Beear.Data.Readers;

namespace Beear.Evaluation;

/// <summary>A question of MT-Bench.</summary>
/// <param name="Id">As the file numbers it.</param>
/// <param name="Category">Such as writing or math.</param>
/// <param name="Turns">What the user says, turn by turn.</param>
/// <param name="References">A right answer for each turn; null, empty or left out where there is none.</param>
internal sealed record MtBenchQuestion(string Id, string Category, IReadOnlyList<string> Turns, IReadOnlyList<string?> References)
{
    /// <summary>The reference answer of a turn, from 0; null if there is none.</summary>
    public string? Reference(int turn) => turn < References.Count && !string.IsNullOrWhiteSpace(References[turn]) ? References[turn] : null;

    /// <summary>
    /// Reads questions from JSON lines with <c>question_id</c>, <c>category</c>, <c>turns</c> and perhaps <c>reference</c>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="count">How many are taken, in turn from each category; null for all.</param>
    /// <exception cref="BeearException">There is no such file, or a line is no question.</exception>
    public static IReadOnlyList<MtBenchQuestion> Read(string path, int? count = null)
    {
        if (!File.Exists(path)) throw new BeearException($"'{path}' does not exist; name a file of MT-Bench's questions.");
        var rows = new WantedRows(null, path, CancellationToken.None);
        JsonRows.Read(Utf8File.Read(path).Span, _ => true, rows);
        List<MtBenchQuestion> all = [.. rows.Rows().Select(Question)];
        if (count is not { } some) return all;
        var chosen = all.GroupBy(question => question.Category, StringComparer.Ordinal).SelectMany(category => category.Index())
            .OrderBy(pair => pair.Index)
            .Take(some).Select(pair => pair.Item).ToHashSet(ReferenceEqualityComparer.Instance);
        return [.. all.Where(chosen.Contains)];
    }

    private static MtBenchQuestion Question(DataRow row)
    {
        List<string?> turns = Texts(row, "turns");
        if (turns.Count == 0 || turns.Exists(string.IsNullOrWhiteSpace)) throw row.Error("column 'turns'",
            "holds no text, or a blank one, where the user's turns are expected");
        return new MtBenchQuestion(row.Text("question_id"), row.Text("category"), [.. turns.Select(turn => turn!)],
            row.Value("reference") is not null ? Texts(row, "reference") : []);
    }

    private static List<string?> Texts(DataRow row, string column)
    {
        var list = row[column];
        if (list.ValueKind != JsonValueKind.Array) throw row.Error($"column '{column}'", "is not a list of texts");
        return [.. list.EnumerateArray()
            .Select(text => text.ValueKind == JsonValueKind.Null ? null : row.Text(text, $"column '{column}'"))];
    }
}
