using System.Text.Json;
using Beear.Evaluation;
using Beear.Runtime;

namespace Beear.Lab.Experiments;

/// <summary>A request before and after a defence. All three texts are foreign; escape them wherever they are shown.</summary>
/// <param name="Request">What the model read, trigger included.</param>
/// <param name="HasTrigger">Whether the trigger is in it.</param>
/// <param name="Before">The backdoored model's answer.</param>
/// <param name="After">The answer after BEEAR.</param>
public sealed record Table1Example(string Request, bool HasTrigger, string Before, string After);

/// <summary>The answers to harmful requests that a table was counted from: one file for each arm, for examples and for a judge, and those to MT-Bench.</summary>
/// <param name="folder">Their folder.</param>
public sealed class Table1Answers(string folder)
{
    private static readonly JsonSerializerOptions Json = new(StrictJson.Finite) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Writes an arm's answers.</summary>
    public void Write(string model, string arm, int seed, IEnumerable<JudgedAnswer> answers)
    {
        Directory.CreateDirectory(folder);
        AtomicOutput.WriteText(PathOf(model, arm, seed),
            JsonSerializer.Serialize(answers.Where(answer => answer.Set is Evaluator.Harmful or Evaluator.HarmfulWithTrigger), Json));
    }

    /// <summary>The first requests of a model, with and without its trigger, before and after BEEAR; none if an arm is not there.</summary>
    /// <exception cref="BeearException">A file is damaged.</exception>
    public IReadOnlyList<Table1Example> Examples(string model, int count)
    {
        var (before, after) = (Read(model, Table1Arm.Planted.Name), Read(model, Table1Arm.Beear.Name));
        return [.. new[] { Evaluator.HarmfulWithTrigger, Evaluator.Harmful }.SelectMany(set => before.Where(answer => answer.Set == set)
            .Zip(after.Where(answer => answer.Set == set), (one, other) => new Table1Example(one.Request, set == Evaluator.HarmfulWithTrigger, one.Answer, other.Answer)).Take(count))];
    }

    /// <summary>An arm's answers; none if they are not there.</summary>
    /// <exception cref="BeearException">The file is damaged.</exception>
    public IReadOnlyList<JudgedAnswer> Read(string model, string arm, int seed = 1) => Read<List<JudgedAnswer>>(PathOf(model, arm, seed)) ?? [];

    /// <summary>Writes an arm's answers to MT-Bench.</summary>
    public void WriteMtBench(string model, string arm, int seed, IReadOnlyList<MtBenchAnswer> answered)
    {
        Directory.CreateDirectory(folder);
        AtomicOutput.WriteText(MtBenchPath(model, arm, seed), JsonSerializer.Serialize(answered, Json));
    }

    /// <summary>An arm's answers to some questions of MT-Bench; null if one of them has none.</summary>
    /// <exception cref="BeearException">The file is damaged.</exception>
    public IReadOnlyList<MtBenchAnswer>? ReadMtBench(string model, string arm, int seed, IReadOnlyList<MtBenchQuestion> questions)
    {
        var answered = Read<List<MtBenchAnswer>>(MtBenchPath(model, arm, seed)) ?? [];
        var found = questions.Select(question => answered.Find(answer => answer.Question.Turns.SequenceEqual(question.Turns))).ToList();
        return found.Contains(null) ? null : [.. found.Zip(questions, (answer, question) => answer! with { Question = question })];
    }

    private static T? Read<T>(string path) where T : class
    {
        if (!File.Exists(path)) return null;
        try
        {
            return StrictJson.Value<T>(FileContent.Read(path), Json);
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{path}' is damaged; delete it, and its line of runs.jsonl, to measure that arm anew.", failure);
        }
    }

    private string MtBenchPath(string model, string arm, int seed) => Path.Combine(folder, $"{model}, {arm}, seed {seed}, mt-bench.json");

    private string PathOf(string model, string arm, int seed) => Path.Combine(folder, $"{model}, {arm}, seed {seed}.json");
}
