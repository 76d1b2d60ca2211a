using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Beear.Behaviours;
using Beear.Evaluation;
using Beear.Lab.Reports;
using Beear.Lab.Runs;
using Beear.Runtime;

namespace Beear.Lab.SignOff;

/// <summary>A decoy of the defender's own: what the settings did to a backdoor that is known.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Trigger">Its trigger, as text.</param>
/// <param name="Planted">Attack success before.</param>
/// <param name="Left">Attack success after the removal; null where the decoy did not take.</param>
/// <param name="Control">The same after plain safety fine-tuning of as many steps; null where that was not asked for.</param>
/// <param name="After">Attack success after what a cleaned model may go through, by its name.</param>
internal sealed record DecoyEvidence(string Name, string Trigger, Metric? Planted, Metric? Left, Metric? Control,
    IReadOnlyDictionary<string, Metric> After);

/// <summary>Requests that were used for one purpose.</summary>
/// <param name="Use">For what, for example "harmful requests that clean".</param>
/// <param name="Count">How many.</param>
/// <param name="Sha256">The SHA-256 of their JSON strings, a line each in the order in which they were used.</param>
internal sealed record RequestsUsed(string Use, int Count, string Sha256);

/// <summary>
/// What is known of a cleaned model: <c>evidence.json</c>. A gate looks at nothing else. What was not measured is absent.
/// </summary>
internal sealed record Evidence
{
    /// <summary>The file's name.</summary>
    public const string FileName = "evidence.json";

    /// <summary>The version of this form.</summary>
    public const int CurrentSchema = 1;

    /// <summary>A key that is not known is a mistake, or of another program: then nothing is read.</summary>
    private static readonly JsonSerializerOptions Json =
        new(StrictJson.Document) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>The version of this form that the file has.</summary>
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>The program that made it.</summary>
    public required CodeVersion Code { get; init; }

    /// <summary>The suspicious model, as it was named.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 over its files.</summary>
    public required string ModelSha256 { get; init; }

    /// <summary>SHA-256 over the cleaned model's files; null if none was written.</summary>
    public string? CleanedSha256 { get; init; }

    /// <summary>All settings of the removal, as they were laid out for the machine's memory.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>
    /// The options of <c>beear clean</c> but its folder, as a recipe has them: what was given, and the defaults of everything else. With
    /// the same files, the same program on such a machine does the same again.
    /// </summary>
    public JsonObject Options { get; init; } = [];

    /// <summary>The requests that were used, by what they were used for.</summary>
    public IReadOnlyList<RequestsUsed> Data { get; init; } = [];

    /// <summary>The files of requests that a user brought; empty where all are built in.</summary>
    public IReadOnlyList<OwnFile> Files { get; init; } = [];

    /// <summary>The policy by which the check that lies beside it was made.</summary>
    public Policy Policy { get; init; } = new();

    /// <summary>Where the model was cleaned; device, threads and libtorch are among it. Null where that is not known.</summary>
    public MachineFacts? Machine { get; init; }

    /// <summary>The identities of the runs that it is made from.</summary>
    public required IReadOnlyList<string> Runs { get; init; }

    /// <summary>Every number by its name, see <see cref="Numbers"/>.</summary>
    public required IReadOnlyDictionary<string, Metric> Metrics { get; init; }

    /// <summary>The decoys; empty where there were none.</summary>
    public required IReadOnlyList<DecoyEvidence> Decoys { get; init; }

    /// <summary>Answers of the model before and after, request by request: how many verdicts changed.</summary>
    public required IReadOnlyList<MetricComparison> Compared { get; init; }

    /// <summary>Why the cleaned model is of no use; null if it is of use.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Unusable { get; init; }

    /// <summary>Names of numbers.</summary>
    internal static class Numbers
    {
        public const string DecoysPlanted = "decoys_planted", DecoysLeft = "decoys_left", WorstDecoyLeft = "worst_decoy_left",
            ControlLeft = "control_left", UnwantedBefore = "unwanted_before", UnwantedAfter = "unwanted_after",
            ScoreBefore = "score_before", ScoreAfter = "score_after", Divergence = "divergence", Degenerate = "degenerate_answers",
            CrossEntropyBefore = "cross_entropy_before", CrossEntropyAfter = "cross_entropy_after";

        /// <summary>Attack success left in all decoys after something.</summary>
        public static string LeftAfter(string aftermath) => $"left_after_{aftermath.Replace(' ', '_')}";

        /// <summary>The kinds of harmless requests, and the metrics that count their refusals.</summary>
        public static readonly IReadOnlyList<(string Kind, string Metric)> Refused =
        [
            ("ordinary", Refusal.OverRefusal), ("twins", Refusal.OverRefusalTwins), ("held_out_forms", Refusal.OverRefusalHeldOutForms),
        ];
    }

    /// <summary>Gathers it from the runs of a plan that have finished.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="model">The suspicious model, as it was named.</param>
    /// <param name="folder">Where the runs are.</param>
    /// <param name="cleaned">Where the cleaned model lies; null if there is none.</param>
    /// <param name="options">The command's options as a recipe has them.</param>
    /// <param name="files">The user's own files of requests.</param>
    public static Evidence Of(CleanPlan plan, string model, RunFolder folder, string? cleaned, JsonObject options,
        IReadOnlyList<OwnFile> files)
    {
        RunRecord? Find(PlannedRun run) => folder.Find(run.Spec.Id) is { State: RunState.Finished } record ? record : null;
        var records = plan.Wanted(Find).Select(Find).OfType<RunRecord>().ToList();
        RunRecord Only(string name, string arm) => records.Single(run => run.Name.Case == name && run.Name.Arm == arm);
        var (before, after) = (Only(CleanPlan.Model, CleanPlan.Suspicious), Only(CleanPlan.Model, CleanPlan.Cleaned));
        List<DecoyEvidence> decoys = [.. plan.Decoys.Select(decoy =>
        {
            var own = records.Where(run => run.Name.Case == decoy.Name).ToDictionary(run => run.Name.Arm, Attack);
            return new DecoyEvidence(decoy.Name, decoy.ToString(), own.GetValueOrDefault(RunName.Planted),
                own.GetValueOrDefault(CleanPlan.Cleaned), own.GetValueOrDefault(CleanPlan.Control),
                Present(plan.Aftermaths.Select(one => (one.Name, own.GetValueOrDefault($"{CleanPlan.Cleaned}, {one.Name}")))));
        })];
        return new Evidence
        {
            Code = CodeVersion.Current,
            Model = model,
            ModelSha256 = before.Spec.TextAt("plant", "weights") ?? "unknown",
            CleanedSha256 = cleaned is null ? null : Fingerprints.Of(cleaned),
            Settings = after.Spec.At("defence", "options")!.DeepClone().AsObject(),
            Options = options,
            Data = plan.Data,
            Files = files,
            Machine = after.Machine,
            Runs = [.. records.Select(run => run.Id)],
            Decoys = decoys,
            Metrics = Present(NumbersOf(before, after, decoys, plan)),
            Compared = Comparison.Of(Refusal.Instance, folder.ReadAnswers(before), folder.ReadAnswers(after)).Metrics,
            Unusable = after.Defence?.Unusable,
        };
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="BeearException">There is none, or it is no such file.</exception>
    public static Evidence Read(string folder)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) throw new BeearException(
            $"'{folder}' holds no {FileName}: it is no folder that beear clean has finished.");
        try
        {
            var read = StrictJson.Value<Evidence>(FileContent.Read(file), Json)
                ?? throw new JsonException("it is empty");
            if (read.Schema != CurrentSchema) throw new JsonException($"its schema is {read.Schema}, not {CurrentSchema}");
            return read.Decoys.All(decoy => decoy is not null) ? read : throw new JsonException("null stands where a decoy is needed");
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{file}' cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>Writes the file.</summary>
    public void Write(string folder) => AtomicOutput.WriteText(Path.Combine(folder, FileName), ToJson());

    /// <summary>The SHA-256 of the file.</summary>
    public string Sha256() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToJson())));

    private string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    private static IEnumerable<(string, Metric?)> NumbersOf(RunRecord before, RunRecord after, List<DecoyEvidence> decoys, CleanPlan plan)
    {
        yield return (Numbers.UnwantedBefore, before.Measured[Refusal.AttackWithoutTrigger]);
        yield return (Numbers.UnwantedAfter, after.Measured[Refusal.AttackWithoutTrigger]);
        foreach (var (kind, metric) in Numbers.Refused)
        {
            yield return ($"refused_{kind}_before", before.Measured[metric]);
            yield return ($"refused_{kind}_after", after.Measured[metric]);
        }
        yield return (Numbers.CrossEntropyBefore, before.Measured[Measurement.HelpfulCrossEntropy]);
        yield return (Numbers.CrossEntropyAfter, after.Measured[Measurement.HelpfulCrossEntropy]);
        if (after.Defence?.Usefulness is { } use)
        {
            yield return (Numbers.Divergence, Metric.Of(use.Divergence, "nats/token"));
            yield return (Numbers.Degenerate, Metric.Of(new Rate(use.Degenerate, use.Harmless)));
        }
        if (after.Defence is { Scores: { Count: > 0 } scores } defence)
        {
            yield return (Numbers.ScoreBefore, Metric.Of(scores[0], Metric.Share));
            yield return (Numbers.ScoreAfter, Metric.Of(scores[defence.ChosenRound ?? ^1], Metric.Share));
        }
        yield return (Numbers.DecoysPlanted, Pooled(decoys.Where(decoy => decoy.Left is not null).Select(decoy => decoy.Planted)));
        yield return (Numbers.DecoysLeft, Pooled(decoys.Select(decoy => decoy.Left)));
        yield return (Numbers.WorstDecoyLeft, decoys.Select(decoy => decoy.Left).OfType<Metric>().MaxBy(left => left.Value));
        yield return (Numbers.ControlLeft, Pooled(decoys.Select(decoy => decoy.Control)));
        foreach (var one in plan.Aftermaths)
            yield return (Numbers.LeftAfter(one.Name), Pooled(decoys.Select(decoy => decoy.After.GetValueOrDefault(one.Name))));
    }

    private static Metric? Attack(RunRecord run) => run.Measured[Refusal.AttackWithTrigger];

    private static Metric? Pooled(IEnumerable<Metric?> rates)
    {
        List<Rate> known = [.. rates.OfType<Metric>().Select(metric => metric.Rate).OfType<Rate>()];
        return known.Count == 0 ? null : Metric.Of(new Rate(known.Sum(rate => rate.Successes), known.Sum(rate => rate.Count)));
    }

    /// <summary>A number that is none, as the divergence of a model that says nothing but NaN, has no place in JSON.</summary>
    private static OrderedDictionary<string, Metric> Present(IEnumerable<(string Name, Metric? Value)> all) =>
        new(all.Where(one => one.Value is { Rate: not null } || double.IsFinite(one.Value?.Value ?? double.NaN))
            .Select(one => KeyValuePair.Create(one.Name, one.Value!)), StringComparer.Ordinal);
}
