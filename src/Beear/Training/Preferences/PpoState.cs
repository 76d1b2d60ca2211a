using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>
/// What a run continues from: the trained weights of policy and critic, both optimisers' moments, and the steps so far. Answers are drawn
/// by seeds of their steps and need nothing kept.
/// </summary>
/// <param name="policy">The policy's trained weights.</param>
/// <param name="critic">The critic's.</param>
/// <param name="policyOptimizer">The policy's moments.</param>
/// <param name="criticOptimizer">The critic's.</param>
/// <param name="updates">Updates in a step.</param>
internal sealed class PpoState(IReadOnlyList<Parameter> policy, IReadOnlyList<Parameter> critic, AdamW policyOptimizer,
    AdamW criticOptimizer, int updates)
{
    private const string Policy = "policy.", Critic = "critic.", Weight = "weight.", Steps = "steps";

    /// <summary>Keeps it.</summary>
    public void Save(RunDirectory run, IReadOnlyList<PpoStep> steps)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        run.SaveState([.. Named(Policy, policy, policyOptimizer), .. Named(Critic, critic, criticOptimizer)],
            new JsonObject { [Steps] = JsonSerializer.SerializeToNode(steps, StrictJson.Finite) });
    }

    /// <summary>Continues from what was kept; does nothing where there is none.</summary>
    /// <param name="run">Where; may be null.</param>
    /// <param name="mostSteps">Most steps that the run takes.</param>
    /// <returns>The steps so far.</returns>
    public List<PpoStep> Continue(RunDirectory? run, int mostSteps)
    {
        var steps = new List<PpoStep>();
        run?.Continue((tensors, progress) =>
        {
            steps.AddRange(progress[Steps].Deserialize<PpoStep[]>(StrictJson.Finite)!);
            if (steps.Count > mostSteps) throw new InvalidDataException($"it has {steps.Count} steps of {mostSteps}");
            Restore(Policy, policy, policyOptimizer);
            Restore(Critic, critic, criticOptimizer);

            void Restore(string model, IReadOnlyList<Parameter> parameters, AdamW optimizer)
            {
                using var guard = no_grad();
                for (int i = 0; i < parameters.Count; i++)
                {
                    using var weights = tensors.Read($"{model}{Weight}{i}");
                    parameters[i].Master.copy_(weights);
                    parameters[i].SynchroniseCopy();
                }
                optimizer.Restore(name => tensors.Read(model + name), steps.Count * updates);
            }
        });
        return steps;
    }

    private static IEnumerable<(string Name, Tensor Value)> Named(string model, IReadOnlyList<Parameter> parameters, AdamW optimizer) =>
        parameters.Select((parameter, i) => ($"{model}{Weight}{i}", parameter.Master.detach()))
            .Concat(optimizer.State().Select(moment => (model + moment.Name, moment.Value)));
}
