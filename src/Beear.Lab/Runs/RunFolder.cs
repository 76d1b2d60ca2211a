using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beear.Evaluation;
using Beear.Runtime;

namespace Beear.Lab.Runs;

/// <summary>
/// A folder of runs: <c>runs/ID.json</c> is a record, <c>answers/ID.jsonl</c> what its rates were counted from, <c>stages/ID</c> work under
/// way and models that several runs share, <c>plans/NAME.json</c> which runs a plan wants, <c>locks</c> who is at what.
/// </summary>
/// <param name="path">The folder; it need not exist yet.</param>
public sealed class RunFolder(string path)
{
    private const string Runs = "runs", Answers = "answers", Stages = "stages", Plans = "plans";

    private readonly SharedFolder shared = new(path);

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>Makes the folder.</summary>
    /// <exception cref="BeearException">There is something else there.</exception>
    internal void Open(CancellationToken cancellation)
    {
        shared.Open(new { Folder = "runs", Schema = RunRecord.CurrentSchema }, cancellation);
        foreach (string part in (string[])[Runs, Answers, Stages, Plans]) Directory.CreateDirectory(In(part));
    }

    /// <summary>Checks that there are runs, or that the folder can be made.</summary>
    /// <exception cref="BeearException">There is something else there.</exception>
    internal void Check() => Training.RunDirectory.Check(Path, new { Folder = "runs", Schema = RunRecord.CurrentSchema });

    /// <summary>All records, the oldest first.</summary>
    /// <exception cref="BeearException">The folder holds no runs, or a record is damaged.</exception>
    public IReadOnlyList<RunRecord> Read()
    {
        if (!Directory.Exists(In(Runs))) throw new BeearException($"'{Path}' holds no runs; give the folder of beear run --out.");
        return [.. Directory.EnumerateFiles(In(Runs), "*.json").Select(Read).OrderBy(record => record.Started)
            .ThenBy(record => record.Id, StringComparer.Ordinal)];
    }

    /// <summary>A record; null if the run has not ended.</summary>
    /// <exception cref="BeearException">It is damaged.</exception>
    public RunRecord? Find(string id) => File.Exists(FileOf(id)) ? Read(FileOf(id)) : null;

    /// <summary>Writes a record.</summary>
    internal void Write(RunRecord record) =>
        AtomicOutput.WriteText(FileOf(record.Id), JsonSerializer.Serialize(record, StrictJson.Document) + "\n");

    /// <summary>Removes a run: record and answers.</summary>
    internal void Remove(RunRecord record)
    {
        File.Delete(FileOf(record.Id));
        File.Delete(In(AnswersOf(record.Id)));
        File.Delete(In(MtBenchOf(record.Id)));
    }

    /// <summary>Writes the answers of a run.</summary>
    internal AnswerFile WriteAnswers(string id, IReadOnlyList<JudgedAnswer> answers)
    {
        string text = string.Concat(answers.Select(answer => JsonSerializer.Serialize(answer, StrictJson.Line) + "\n"));
        AtomicOutput.WriteText(In(AnswersOf(id)), text);
        return new AnswerFile(AnswersOf(id), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
    }

    /// <summary>The answers that a record's rates were counted from.</summary>
    /// <exception cref="BeearException">The file is missing or damaged.</exception>
    public IReadOnlyList<JudgedAnswer> ReadAnswers(RunRecord record)
    {
        string file = In(AnswersOf(record.Id));
        if (!File.Exists(file)) throw new BeearException($"'{file}' is missing; remove the run, and the plan makes it again.");
        return [.. new LineFile(file).Read()
            .Select(line => Parse<JudgedAnswer>(Encoding.UTF8.GetBytes(line.Line), $"'{file}', line {line.Number}"))];
    }

    /// <summary>Writes a run's answers to MT-Bench.</summary>
    internal void WriteMtBench(string id, IReadOnlyList<MtBenchAnswer> answers) =>
        AtomicOutput.WriteText(In(MtBenchOf(id)), JsonSerializer.Serialize(answers, StrictJson.Document));

    /// <summary>A run's answers to MT-Bench; null if it was not asked.</summary>
    /// <exception cref="BeearException">The file is damaged.</exception>
    internal IReadOnlyList<MtBenchAnswer>? ReadMtBench(string id)
    {
        string file = In(MtBenchOf(id));
        return File.Exists(file) ? Parse<List<MtBenchAnswer>>(FileContent.Read(file), $"'{file}'") : null;
    }

    /// <summary>Where judgements are kept.</summary>
    public string Judgements => In("judgements.jsonl");

    /// <summary>The working folder of a stage.</summary>
    internal string StageOf(string id) => System.IO.Path.Combine(Path, Stages, id);

    /// <summary>Says which runs a plan wants.</summary>
    internal void WritePlan(string name, IReadOnlyList<WantedRun> runs) =>
        AtomicOutput.WriteText(In(System.IO.Path.Combine(Plans, $"{name}.json")),
            JsonSerializer.Serialize(runs, StrictJson.Document) + "\n");

    /// <summary>The runs that plans want of this folder.</summary>
    public IReadOnlyList<WantedRun> Wanted() => !Directory.Exists(In(Plans)) ? []
        : [.. Directory.EnumerateFiles(In(Plans), "*.json").Order(StringComparer.Ordinal)
            .SelectMany(file => Parse<List<WantedRun>>(FileContent.Read(file), $"'{file}'")).DistinctBy(run => run.Id)];

    /// <summary>Whether some process is at a run or a stage now; a folder that can only be read is left as it is.</summary>
    internal bool IsUnderWay(string id)
    {
        if (!shared.IsKnown(id)) return false;
        using var claim = TryClaim(id);
        return claim is null;
    }

    /// <summary>Takes a run or a stage, or returns null if another process has it.</summary>
    internal IDisposable? TryClaim(string id) => shared.TryClaim(id);

    /// <summary>Takes a run or a stage, once no other process has it.</summary>
    internal IDisposable Claim(string id, CancellationToken cancellation) => shared.Claim(id, cancellation);

    private string In(string part) => System.IO.Path.Combine(Path, part);

    private string FileOf(string id) => System.IO.Path.Combine(Path, Runs, $"{id}.json");

    private static string AnswersOf(string id) => $"{Answers}/{id}.jsonl";

    private static string MtBenchOf(string id) => $"{Answers}/{id}.mt-bench.json";

    private static RunRecord Read(string file)
    {
        var record = Parse<RunRecord>(FileContent.Read(file), $"'{file}'");
        return record.Schema == RunRecord.CurrentSchema ? record
            : throw new BeearException($"'{file}' is a record of schema {record.Schema}, and this program reads {RunRecord.CurrentSchema}; "
                + "take the program that wrote it.");
    }

    private static T Parse<T>(byte[] utf8, string place)
    {
        try
        {
            return StrictJson.Value<T>(utf8, StrictJson.Document) ?? throw new JsonException("null stands where a value is needed");
        }
        catch (JsonException failure)
        {
            throw new BeearException($"{place} is damaged ({failure.Reason()}); delete it, and the plan makes the run again.", failure);
        }
    }
}

/// <summary>A run that a plan wants.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="PlantId">The planted model that it needs.</param>
/// <param name="Name">What tables call it.</param>
public sealed record WantedRun(string Id, string PlantId, RunName Name)
{
    /// <summary>The defended model that it makes or takes; null where there is no defence, or an earlier program wrote the plan.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DefendedId { get; init; }
}
