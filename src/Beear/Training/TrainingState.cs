using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training;

/// <summary>The state of a run that only trains: weights, the optimiser's moments and the number of steps.</summary>
internal static class TrainingState
{
    /// <summary>Keeps it.</summary>
    /// <param name="run">Where.</param>
    /// <param name="decoder">Whose weights.</param>
    /// <param name="moments">By name.</param>
    /// <param name="steps">Steps taken.</param>
    /// <param name="losses">The loss of each, where the run reports them.</param>
    public static void Save(RunDirectory run, Decoder decoder, IReadOnlyList<(string Name, Tensor Value)> moments, int steps,
        IReadOnlyList<double>? losses = null)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var weights = decoder.Weights.Parameters.Select((parameter, i) => ($"weight.{i}", parameter.Master.detach()));
        run.SaveState([.. weights, .. moments], new JsonObject { ["steps"] = steps, ["losses"] = JsonSerializer.SerializeToNode(losses) });
    }

    /// <summary>Puts the weights of a kept state back; does nothing where there is none.</summary>
    /// <param name="run">Where; may be null.</param>
    /// <param name="decoder">Gets the weights.</param>
    /// <param name="restore">Takes the moments, each by its name, and the steps that had been taken.</param>
    /// <param name="mostSteps">Most steps that the run takes.</param>
    /// <param name="losses">Gets the loss of each step, where the run reports them.</param>
    public static void Continue(RunDirectory? run, Decoder decoder, Action<Func<string, Tensor>, int> restore, int mostSteps,
        List<double>? losses = null) => run?.Continue((tensors, progress) =>
    {
        int steps = progress["steps"]!.GetValue<int>();
        if (steps < 0 || steps > mostSteps) throw new InvalidDataException($"it has {steps} steps of {mostSteps}");
        if (losses is not null)
        {
            losses.AddRange(progress["losses"].Deserialize<double[]>(StrictJson.Finite)!);
            if (losses.Count != steps) throw new InvalidDataException($"it has {losses.Count} losses of {steps} steps");
        }
        decoder.Weights.Restore(i => tensors.Read($"weight.{i}"));
        restore(tensors.Read, steps);
    });
}
