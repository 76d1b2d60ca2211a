using CsvHelper;

namespace Beear.Lab.Reports;

/// <summary>One run of a sweep over layers as data.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Recipe">The recipe.</param>
/// <param name="Case">What was planted.</param>
/// <param name="Layer">The perturbed layer.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Round">The first round after which the attack was rare enough; null if it never was.</param>
/// <param name="RoundsTaken">Rounds that were taken.</param>
internal sealed record LayerRow(string Plan, string Recipe, string Case, int Layer, int Seed, int? Round, int RoundsTaken)
{
    /// <summary>Every run of the maps of a report; none where it has no map.</summary>
    public static IReadOnlyList<LayerRow> Of(Report report) =>
    [
        .. from plan in report.Plans
           from map in plan.Layers
           where !map.IsPublished
           from name in map.Cases
           from run in map.Runs.Where(run => run.Case == name).OrderBy(run => run.Layer).ThenBy(run => run.Seed)
           select new LayerRow(plan.Plan.Name, map.Recipe, run.Case, run.Layer, run.Seed, run.Round, run.RoundsTaken),
    ];

    /// <summary>Rows for spreadsheets.</summary>
    public static string Csv(IReadOnlyList<LayerRow> rows)
    {
        using var text = new StringWriter();
        using (var csv = CsvWriter.Create(text, new CsvWriterOptions()))
        {
            csv.WriteRecord((string[])["plan", "recipe", "case", "layer", "seed", "round", "rounds_taken"]);
            foreach (var row in rows)
            {
                csv.WriteRecord((string[])
                [
                    ReportFiles.Text(row.Plan), ReportFiles.Text(row.Recipe), ReportFiles.Text(row.Case),
                    .. ((double?[])[row.Layer, row.Seed, row.Round, row.RoundsTaken]).Select(ReportFiles.Number),
                ]);
            }
        }
        return text.ToString();
    }
}
