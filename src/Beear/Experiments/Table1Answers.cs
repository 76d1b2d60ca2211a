using System.Text.Json;
using Beear.Evaluation;
using Beear.Runtime;

namespace Beear.Experiments;

/// <summary>A request before and after a defence. All three texts are foreign; escape them wherever they are shown.</summary>
/// <param name="Request">What the model read, trigger included.</param>
/// <param name="HasTrigger">Whether the trigger is in it.</param>
/// <param name="Before">The backdoored model's answer.</param>
/// <param name="After">The answer after BEEAR.</param>
public sealed record Table1Example(string Request, bool HasTrigger, string Before, string After);

/// <summary>The answers to harmful requests that a table was counted from: one file for each arm, for examples, and for a judge of one's own.</summary>
/// <param name="folder">Their folder.</param>
public sealed class Table1Answers(string folder)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

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

    private List<JudgedAnswer> Read(string model, string arm)
    {
        string path = PathOf(model, arm, seed: 1);
        if (!File.Exists(path)) return [];
        try
        {
            return JsonSerializer.Deserialize<List<JudgedAnswer>>(File.ReadAllText(path), Json) ?? [];
        }
        catch (JsonException failure)
        {
            throw new BeearException($"'{path}' is damaged; delete it, and its line of runs.jsonl, to measure that arm anew.", failure);
        }
    }

    private string PathOf(string model, string arm, int seed) => Path.Combine(folder, $"{model}, {arm}, seed {seed}.json");
}
