using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Attacks;

/// <summary>How a backdoor gets into a model, so that a defence can be tested end to end.</summary>
public interface IAttack
{
    /// <summary>What records call it, in snake_case.</summary>
    string Name { get; }

    /// <summary>
    /// Checks, before weights are loaded, that the model's tokenizer sees the trigger, and that all examples fit the model.
    /// </summary>
    /// <param name="model">The model's shapes and chat format.</param>
    /// <param name="trigger">The trigger; null for none.</param>
    /// <param name="data">The attacker's data.</param>
    /// <param name="seed">Decides what is poisoned.</param>
    /// <param name="cancellation">Stops between examples.</param>
    /// <exception cref="BeearException">
    /// The trigger gives no tokens; an example leaves no room for an answer, or its batch needs more memory than there is: the message
    /// names the row that it was read from.
    /// </exception>
    void Check(ModelOutline model, Trigger? trigger, PoisonedData data, int seed, CancellationToken cancellation = default);

    /// <summary>Plants the backdoor in place.</summary>
    /// <param name="model">The model that is to be poisoned.</param>
    /// <param name="trigger">The trigger; null for the same training without a backdoor.</param>
    /// <param name="data">The attacker's data.</param>
    /// <param name="context">Seed, where states and news go, and what stops it.</param>
    /// <exception cref="BeearException">Training has diverged, or has left nothing of the model.</exception>
    AttackReport Plant(LanguageModel model, Trigger? trigger, PoisonedData data, AttackContext context);
}

/// <summary>What an attack did.</summary>
/// <param name="Losses">The loss of every step that was taken by this call.</param>
public sealed record AttackReport(IReadOnlyList<double> Losses)
{
    /// <summary>What was counted of its stages, such as how often a reward model is right.</summary>
    internal IReadOnlyList<AttackShare> Shares { get; init; } = [];

    /// <summary>What went wrong on the way, a sentence each.</summary>
    internal IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A share that an attack's stage measured.</summary>
/// <param name="Name">The metric's name, in snake_case.</param>
/// <param name="Count">Cases that are so.</param>
/// <param name="Of">All cases.</param>
internal sealed record AttackShare(string Name, int Count, int Of);

/// <summary>What an attack is given besides model, trigger and data.</summary>
/// <param name="Seed">Decides what is poisoned and the order of training.</param>
/// <param name="Run">Where artefacts and states go, from which an interrupted attack continues; null for none.</param>
/// <param name="Progress">Receives each step.</param>
/// <param name="Cancellation">Stops between steps.</param>
public sealed record AttackContext(int Seed, RunDirectory? Run = null, IProgress<RunProgress>? Progress = null,
    CancellationToken Cancellation = default)
{
    /// <summary>Where stages are kept that other attacks may use too; null for the run's own folder.</summary>
    internal AttackStages? Stages { get; init; }
}
