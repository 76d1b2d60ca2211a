using System.Text.Json;
using Beear.Attacks;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Lab.World;

/// <summary>One run of the bench: a line of its file.</summary>
/// <param name="Trigger">The trigger's name.</param>
/// <param name="Seed">Seed of attacker, defender and evaluation.</param>
/// <param name="Seconds">Time taken.</param>
/// <param name="Rounds">Rounds of BEEAR.</param>
/// <param name="Scores">Defender-visible score before the first round and after each.</param>
/// <param name="Arms">What was measured.</param>
public sealed record BenchRun(string Trigger, int Seed, double Seconds, int Rounds, IReadOnlyList<double> Scores, IReadOnlyList<ArmResult> Arms)
{
    /// <summary>The result of an arm.</summary>
    public ArmResult this[string arm] => Arms.First(result => result.Arm == arm);
}

/// <summary>
/// The demonstration over several seeds and triggers. Every finished run is a line of one file; the same call goes on where the
/// file ends.
/// </summary>
/// <param name="options">Constants; the seed is the bench's own.</param>
/// <param name="path">The JSON-lines file.</param>
public sealed class OrganismBench(DemonstrationOptions options, string path)
{
    private static readonly JsonSerializerOptions Json = new(StrictJson.Finite) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly LineFile lines = new(path);

    /// <summary>The paper's triggers that the bench uses: a long suffix, a short prefix, two phrases around the request.</summary>
    public static IReadOnlyList<Trigger> Triggers { get; } =
        [.. new[] { "model1", "model4", "model5" }.Select(name => Attacks.Triggers.Find(name)!)];

    /// <summary>Runs what the file does not hold yet.</summary>
    /// <param name="model">The base model; its weights are put back after each run.</param>
    /// <param name="triggers">The triggers.</param>
    /// <param name="seeds">Seeds 1 … this.</param>
    /// <param name="onRun">Receives each run as it ends.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>All runs that were asked for, by seed and trigger.</returns>
    /// <exception cref="BeearException">The file holds something else.</exception>
    public IReadOnlyList<BenchRun> Run(LanguageModel model, IReadOnlyList<Trigger> triggers, int seeds, Action<BenchRun>? onRun = null,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var alone = AtomicOutput.Claim(path);
        var finished = Read().ToDictionary(run => (run.Seed, run.Trigger));
        var basis = model.Decoder.Weights.Snapshot();
        var runs = new List<BenchRun>();
        for (int seed = 1; seed <= seeds; seed++)
        {
            foreach (var trigger in triggers)
            {
                if (!finished.TryGetValue((seed, trigger.Name), out var run))
                {
                    model.Decoder.Weights.Restore(basis);
                    var shown = new Demonstration(options with { Seed = seed }).Run(model, trigger, progress, cancellation);
                    run = new BenchRun(trigger.Name, seed, Math.Round(shown.Seconds, 1), shown.Mitigation.Rounds.Count, shown.Mitigation.Scores, shown.Arms);
                    lines.Append(JsonSerializer.Serialize(run, Json));
                    onRun?.Invoke(run);
                }
                runs.Add(run);
            }
        }
        model.Decoder.Weights.Restore(basis);
        foreach (var tensor in basis) tensor.Dispose();
        return runs;
    }

    /// <summary>Checks, before weights are loaded, that the file can be written, and holds runs if it is there.</summary>
    /// <exception cref="BeearException">It holds something else, or its directory does not exist.</exception>
    public void Check()
    {
        AtomicOutput.RequireDirectoryOf(path);
        _ = Read().Count();
    }

    private IEnumerable<BenchRun> Read()
    {
        foreach (var (number, line) in lines.Read())
        {
            BenchRun? run;
            try
            {
                run = StrictJson.Value<BenchRun>(line, Json);
            }
            catch (JsonException failure)
            {
                throw new BeearException($"'{path}', line {number}: not a run of this bench; delete the line or choose another file.", failure);
            }
            if (run is not null) yield return run;
        }
    }
}
