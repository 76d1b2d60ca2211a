using System.Globalization;
using System.Text.Json;
using Beear.Data.Readers;
using Beear.Lab.SignOff;
using Beear.Runtime;

namespace Beear.Bench;

/// <summary>The models whose scores <see cref="ScoreReference"/> knows, from the tables of reports.</summary>
internal static class ScoreModels
{
    /// <summary>Prints them as JSON.</summary>
    /// <param name="files">Tables of <c>beear report</c>, CSV, of plans about refusals.</param>
    public static void Run(IEnumerable<string> files) => Console.WriteLine(JsonSerializer.Serialize(
        files.SelectMany(Read).DistinctBy(model => (model.Source, model.Seed, model.Backdoored, model.Score)), StrictJson.Document));

    private static IEnumerable<ScoredModel> Read(string file)
    {
        var rows = new WantedRows(null, file, default);
        CsvRows.Read(File.ReadAllBytes(file), ',', rows);
        return from row in rows.Rows()
               let role = row.Text("role")
               where row.Text("row") == "run" && role is "defended" or "clean_defended" && Number(row.Text("score")) is not null
               select new ScoredModel(Path.GetFileName(file), row.Text("case"), int.Parse(row.Text("seed"), CultureInfo.InvariantCulture),
                   role == "defended", Number(row.Text("score"))!.Value,
                   role == "defended" ? Number(row.Text("attack_success_with_trigger")) : null);
    }

    private static double? Number(string text) => text.Length == 0 ? null : double.Parse(text, CultureInfo.InvariantCulture);
}
