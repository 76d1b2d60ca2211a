using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>Where a mitigation stands: its rounds, scores, δs and best weights; saved after each round.</summary>
internal sealed class MitigationState : IDisposable
{
    private readonly RunDirectory? run;
    private readonly Decoder decoder;
    private readonly Removal removal;
    private IReadOnlyList<Tensor>? best;
    private int bestRound;

    private MitigationState(RunDirectory? run, Decoder decoder, Removal removal) => (this.run, this.decoder, this.removal) = (run, decoder, removal);

    public List<RoundReport> Rounds { get; } = [];

    /// <summary>The score of the starting model, then of the weights after each round.</summary>
    public List<double> Scores { get; } = [];

    /// <summary>δ* of each round.</summary>
    public List<Tensor> Deltas { get; } = [];

    /// <summary>Starts, or continues after the last round that was finished.</summary>
    public static MitigationState Open(RunDirectory? run, Decoder decoder, Removal removal)
    {
        var state = new MitigationState(run, decoder, removal);
        if (run?.OpenState() is not { } saved) return state;
        using var tensors = saved.Tensors;
        state.Rounds.AddRange(saved.Progress["rounds"].Deserialize<List<RoundReport>>()!);
        state.Scores.AddRange(saved.Progress["scores"].Deserialize<List<double>>()!);
        state.bestRound = saved.Progress["best_round"]!.GetValue<int>();
        decoder.Weights.Restore(i => tensors.Read($"weight.{i}"));
        if (tensors.Tensors.ContainsKey("best.0"))
            state.best = [.. decoder.Weights.Parameters.Select((_, i) => tensors.Read($"best.{i}").DetachFromDisposeScope())];
        for (int i = 0; i < state.Rounds.Count; i++) state.Deltas.Add(tensors.Read($"delta.{i}").to(decoder.Options.Device).DetachFromDisposeScope());
        removal.Continue(tensors.Read, state.Rounds.Count == 0 ? 0 : saved.Progress["steps"]!.GetValue<int>());
        return state;
    }

    public void Keep(Tensor delta) => Deltas.Add(delta.clone().DetachFromDisposeScope());

    /// <summary>Notes the score of the weights as they are; after the first round, the best ones are kept if they may be wanted.</summary>
    public void AddScore(double score, Decoder model, bool keepBest)
    {
        Scores.Add(score);
        int round = Scores.Count - 1;
        if (!keepBest || round == 0 || (best is not null && score >= Scores[bestRound])) return;
        DisposeBest();
        (best, bestRound) = (model.Weights.Snapshot(), round);
    }

    /// <summary>Puts the best-scored round's weights back.</summary>
    public int RestoreBest(Decoder model)
    {
        if (best is not null && bestRound != Scores.Count - 1) model.Weights.Restore(best);
        return bestRound;
    }

    public void Save()
    {
        if (run is null) return;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var tensors = decoder.Weights.Parameters.Select((parameter, i) => ($"weight.{i}", parameter.Master.detach())).ToList();
        tensors.AddRange(removal.State());
        tensors.AddRange(Deltas.Select((delta, i) => ($"delta.{i}", delta)));
        if (best is not null) tensors.AddRange(best.Select((weights, i) => ($"best.{i}", weights)));
        run.SaveState(tensors, new JsonObject
        {
            ["rounds"] = JsonSerializer.SerializeToNode(Rounds),
            ["scores"] = JsonSerializer.SerializeToNode(Scores),
            ["best_round"] = bestRound,
            ["steps"] = removal.StepCount,
        });
    }

    private void DisposeBest()
    {
        foreach (var tensor in best ?? []) tensor.Dispose();
    }

    public void Dispose()
    {
        DisposeBest();
        Deltas.ForEach(delta => delta.Dispose());
    }
}
