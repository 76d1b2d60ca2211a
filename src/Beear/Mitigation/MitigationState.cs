using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Where a mitigation stands: its rounds, scores, δs and best weights; saved after each round, and where its scoring is interrupted. Once
/// it is finished only what it left is kept.
/// </summary>
internal sealed class MitigationState : IDisposable
{
    private readonly RunDirectory? run;
    private readonly Decoder decoder;
    private readonly Removal removal;
    private readonly MitigationOptions options;
    private IReadOnlyList<Tensor>? best;                                 // the best round's weights, where they are not the model's
    private int bestRound;                                               // 0 as long as none may stay
    private Dictionary<string, List<double>> allScores = [];

    private MitigationState(RunDirectory? run, Decoder decoder, Removal removal, MitigationOptions options) =>
        (this.run, this.decoder, this.removal, this.options) = (run, decoder, removal, options);

    public List<RoundReport> Rounds { get; } = [];

    /// <summary>Whether it was continued from a state after which no round follows.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>The round whose steps are taken and whose scores are not yet measured; null for none.</summary>
    public RoundReport? Unscored { get; set; }

    /// <summary>The deciding score of the starting model, then of the weights after each round.</summary>
    public List<double> Scores { get; } = [];

    /// <summary>Every δ*, round after round, with the number of its search.</summary>
    public List<(Tensor Delta, int Number)> Deltas { get; } = [];

    /// <summary>Starts, or continues after the last round whose steps were taken.</summary>
    /// <exception cref="BeearException">There is a state, and it is damaged.</exception>
    public static MitigationState Open(RunDirectory? run, Decoder decoder, Removal removal, MitigationOptions options)
    {
        var state = new MitigationState(run, decoder, removal, options);
        run?.Continue(state.Restore);
        return state;
    }

    private void Restore(SafetensorsFile tensors, JsonObject progress)
    {
        Rounds.AddRange(Read<List<RoundReport>>(progress, "rounds"));
        Unscored = progress["unscored"].Deserialize<RoundReport?>(StrictJson.Whole);
        Scores.AddRange(Read<List<double>>(progress, "scores"));
        allScores = Read<Dictionary<string, List<double>>>(progress, "all_scores");
        bestRound = Read<int>(progress, "best_round");
        int[] searches = Read<int[]>(progress, "searches");
        int steps = Read<int>(progress, "steps");
        IsFinished = Read<bool>(progress, "finished");
        RequireWhole(searches.Length, steps, IsFinished);
        if (IsFinished == tensors.Tensors.ContainsKey("first.0")) throw new InvalidDataException("what is left to do is not what it holds");
        decoder.Weights.Restore(i => tensors.Read($"weight.{i}"));
        if (tensors.Tensors.ContainsKey("best.0"))
            best = [.. decoder.Weights.Parameters.Select((_, i) => tensors.Read($"best.{i}").DetachFromDisposeScope())];
        if (IsFinished) return;
        if (bestRound > 0 && bestRound < Scores.Count - 1
            && best is null) throw new InvalidDataException("it has no weights of its best round");
        foreach (var (i, number) in searches.Index())
            Deltas.Add((tensors.Read($"delta.{i}").to(decoder.Options.Device).DetachFromDisposeScope(), number));
        removal.Continue(tensors.Read, steps, Read<bool>(progress, "is_mean"));
    }

    private static T Read<T>(JsonObject progress, string key) =>
        progress[key].Deserialize<T>(StrictJson.Whole) ?? throw new InvalidDataException($"it has no {key}");

    /// <summary>Checks that rounds, steps, searches and scores are as many as they must be of each other.</summary>
    private void RequireWhole(int searches, int steps, bool isFinished)
    {
        int taken = Rounds.Count + (Unscored is null ? 0 : 1);
        bool roundsFollow = taken <= (options.Rounds ?? options.MaxRounds)
            && Rounds.Append(Unscored).Take(taken).Index().All(one => one.Item?.Round == one.Index + 1);
        int scored = options.Scores.Count == 0 ? 0 : options.ScoreRounds ? 1 + Rounds.Count : Rounds.Count == options.Rounds ? 1 : 0;
        bool scoresFit = Scores.Count == scored
            && (scored == 0 || options.Scores.All(kind => allScores.GetValueOrDefault(RecipeValue.Format(kind))?.Count == scored));
        if (!roundsFollow || !scoresFit || bestRound < 0 || bestRound > Rounds.Count || steps != taken * options.OuterSteps
            || searches != (isFinished ? searches : taken * options.Inner.Population))
        {
            throw new InvalidDataException("its rounds, steps and scores do not fit each other");
        }
    }

    public void Keep(IReadOnlyList<FoundPerturbation> found) =>
        Deltas.AddRange(found.Select(one => (one.Result.Delta.clone().DetachFromDisposeScope(), one.Number)));

    /// <summary>Notes a round that is scored.</summary>
    public void Add(RoundReport report)
    {
        Rounds.Add(report);
        Unscored = null;
    }

    /// <summary>Notes the scores of the weights as they are.</summary>
    /// <param name="scores">What was measured; the first decides.</param>
    /// <param name="mayStay">Whether these weights may be the ones that stay in the end.</param>
    public void AddScores(OrderedDictionary<string, double> scores, bool mayStay = false)
    {
        foreach (var (kind, score) in scores)
        {
            if (!allScores.TryGetValue(kind, out var list)) allScores.Add(kind, list = []);
            list.Add(score);
        }
        if (scores.Count == 0) return;
        double decisive = scores.GetAt(0).Value;
        Scores.Add(decisive);
        int round = Scores.Count - 1;
        if (!mayStay || (bestRound > 0 && decisive >= Scores[bestRound])) return;
        DisposeBest();
        (best, bestRound) = (null, round);
    }

    /// <summary>Before the weights are trained on: keeps them aside if they are the best.</summary>
    public void KeepBest()
    {
        if (bestRound > 0 && bestRound == Scores.Count - 1) best = decoder.Weights.Snapshot();
    }

    /// <summary>The scores that were only to be reported.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> OtherScores(IReadOnlyList<ScoreKind> kinds) =>
        kinds.Skip(1).Select(kind => RecipeValue.Format(kind))
            .ToDictionary(name => name, name => (IReadOnlyList<double>)allScores[name], StringComparer.Ordinal);

    /// <summary>Puts the best-scored round's weights back.</summary>
    public int? RestoreBest()
    {
        if (best is not null) decoder.Weights.Restore(best);
        return bestRound > 0 ? bestRound : null;
    }

    /// <summary>Saves it in the run's folder, if there is one.</summary>
    /// <param name="isFinished">Whether no round follows and the weights are those that stay.</param>
    public void Save(bool isFinished = false)
    {
        if (run is null) return;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var tensors = decoder.Weights.Parameters.Select((parameter, i) => ($"weight.{i}", parameter.Master.detach())).ToList();
        if (!isFinished)
        {
            tensors.AddRange(removal.State());
            tensors.AddRange(Deltas.Select((delta, i) => ($"delta.{i}", delta.Delta)));
            tensors.AddRange((best ?? []).Select((weights, i) => ($"best.{i}", weights)));
        }
        run.SaveState(tensors, new JsonObject
        {
            ["rounds"] = JsonSerializer.SerializeToNode(Rounds, StrictJson.Finite),
            ["unscored"] = JsonSerializer.SerializeToNode(Unscored, StrictJson.Finite),
            ["scores"] = JsonSerializer.SerializeToNode(Scores, StrictJson.Finite),
            ["all_scores"] = JsonSerializer.SerializeToNode(allScores, StrictJson.Finite),
            ["searches"] = JsonSerializer.SerializeToNode(Deltas.Select(delta => delta.Number), StrictJson.Finite),
            ["best_round"] = bestRound,
            ["steps"] = removal.StepCount,
            ["is_mean"] = removal.IsMean,
            ["finished"] = isFinished,
        });
    }

    private void DisposeBest()
    {
        foreach (var tensor in best ?? []) tensor.Dispose();
    }

    public void Dispose()
    {
        DisposeBest();
        Deltas.ForEach(delta => delta.Delta.Dispose());
    }
}
