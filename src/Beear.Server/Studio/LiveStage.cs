using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Mitigation;
using Beear.Runtime;

namespace Beear.Server.Studio;

/// <summary>What a run that is under way has written so far.</summary>
/// <param name="Stage">What is being done, in a word.</param>
/// <param name="Rounds">Finished rounds of the defence.</param>
/// <param name="Losses">Training steps of the planting.</param>
/// <param name="MostRounds">How many rounds there will be at most; null where that is not known.</param>
internal sealed record LiveStage(string Stage, IReadOnlyList<RoundReport> Rounds,
    IReadOnlyList<(string Stage, int Step, double Loss)> Losses, int? MostRounds)
{
    private const string Metrics = "metrics.jsonl", Options = "run.json", Result = "result.json";
    private const int MostBytes = 4 << 20;

    /// <summary>Reads the stage that a run is at; null where it has written nothing yet.</summary>
    public static LiveStage? Of(RunFolder folder, WantedRun run)
    {
        if (run.DefendedId is { } defended && Directory.Exists(folder.StageOf(defended)))
        {
            string stage = folder.StageOf(defended);
            return Read(File.Exists(Path.Combine(stage, Result)) ? "measuring" : "cleaning", stage);
        }
        string plant = folder.StageOf(run.PlantId);
        return Directory.Exists(plant) && !File.Exists(Path.Combine(plant, Result)) ? Read("planting", plant) : null;
    }

    /// <summary>Whether somebody has taken a run and begun its stage; runs that only share the stage are not begun.</summary>
    public static bool IsBegun(RunFolder folder, WantedRun run) => File.Exists(Path.Combine(folder.Path, "locks", run.Id))
        && Directory.Exists(folder.StageOf(run.DefendedId ?? run.PlantId));

    /// <summary>The charts of what there is.</summary>
    public IEnumerable<CurveChart> Charts(string subject) =>
    [
        .. Rounds.Count > 0 ? CurveChart.OfUnderWay("live", subject, Rounds) : [],
        .. Losses.Count > 1 ? [CurveChart.OfTraining("live", subject, Losses)] : (CurveChart[])[],
    ];

    private static LiveStage Read(string stage, string path)
    {
        List<RoundReport> rounds = [];
        List<(string, int, double)> losses = [];
        foreach (string line in Lines(Path.Combine(path, Metrics)))
        {
            try
            {
                if (StrictJson.Node(line) is not JsonObject entry) continue;
                if (RoundOf(entry) is { } round) rounds.Add(round);
                else if (entry["loss"] is { } loss && entry["step"] is { } step)
                    losses.Add((entry["stage"]?.GetValue<string>() ?? "training", step.GetValue<int>(), loss.GetValue<double>()));
            }
            catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException)
            {
                // A line that another program wrote, or that is damaged: the curve goes on without it.
            }
        }
        // A run that was interrupted within a round may have it twice.
        var finished = rounds.Where(round => round.FirstLosses is not null && round.LastLosses is not null)
            .GroupBy(round => round.Round).Select(same => same.Last()).OrderBy(round => round.Round);
        return new LiveStage(stage, [.. finished], losses, MostOf(Path.Combine(path, Options)));
    }

    /// <summary>The round that a line is about; null where it is about something else.</summary>
    private static RoundReport? RoundOf(JsonObject entry) =>
        entry.ContainsKey("unwanted_before") ? StrictJson.Value<RoundReport>(entry.ToJsonString(), StrictJson.Line) : null;

    private static int? MostOf(string file)
    {
        try
        {
            var options = File.Exists(file) ? StrictJson.Node(FileContent.Read(file))?["defence"]?["options"] : null;
            return (int?)options?["rounds"] ?? (int?)options?["max_rounds"];
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or IOException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Whole lines of a file that another process may be writing; of a very long file the last ones.</summary>
    private static string[] Lines(string file)
    {
        if (!File.Exists(file)) return [];
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        long skipped = Math.Max(0, stream.Length - MostBytes);
        stream.Position = skipped;
        byte[] bytes = new byte[Math.Min(stream.Length, MostBytes)];
        var whole = bytes.AsSpan(0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        whole = whole[..(whole.LastIndexOf((byte)'\n') + 1)];
        if (skipped > 0) whole = whole[(whole.IndexOf((byte)'\n') + 1)..];
        return Encoding.UTF8.GetString(whole).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
