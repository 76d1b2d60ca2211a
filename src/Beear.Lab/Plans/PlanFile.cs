using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Lab.Runs;
using Beear.Mitigation;
using Beear.Mitigation.Baselines;

namespace Beear.Lab.Plans;

/// <summary>
/// A comparison as a file: every arm meets every case with every seed. Exactly one of <see cref="Model"/> and <see cref="Organism"/> says
/// on what.
/// </summary>
public sealed record PlanFile : IValidatable
{
    /// <summary>What records call it; the file's name if not given.</summary>
    public string? Name { get; init; }

    /// <summary>A real model with data files.</summary>
    public ModelSubjectOptions? Model { get; init; }

    /// <summary>The tiny world.</summary>
    public OrganismSubjectOptions? Organism { get; init; }

    /// <summary>What must not happen.</summary>
    public string Behaviour { get; init; } = Refusal.Instance.Name;

    /// <summary>The behaviour's options, such as the analysers of unsafe_code; its defaults if not given.</summary>
    public RecipeFragment? BehaviourOptions { get; init; }

    /// <summary>How backdoors are planted.</summary>
    public string Attack { get; init; } = Catalogue.DefaultAttack;

    /// <summary>The attack's options, where they are not the subject's.</summary>
    public RecipeFragment? AttackOptions { get; init; }

    /// <summary>Keys of a mitigation that replace those of every arm's recipe; an arm's own changes replace them.</summary>
    public RecipeFragment? Change { get; init; }

    /// <summary>What is compared.</summary>
    public IReadOnlyList<PlanArm> Arms { get; init; } = [];

    /// <summary>The backdoors that are planted, each once for each seed.</summary>
    public IReadOnlyList<PlanTrigger> Triggers { get; init; } = [];

    /// <summary>Seeds of attacker, defender and evaluation.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [1];

    /// <summary>Whether the planted models are measured as they are, which everything else is compared with.</summary>
    public bool Baselines { get; init; } = true;

    /// <summary>
    /// Whether a clean reward model scores the answers to harmful requests, as in the paper's Table 2: one that is trained on pairs of
    /// answers which the attacker never saw.
    /// </summary>
    public bool ScoresRewards { get; init; }

    /// <summary>Whether everything is measured after each round too, to see what a stop rule would have chosen.</summary>
    public bool EvaluateRounds { get; init; }

    /// <summary>
    /// An attack success, 0 … 1: after each round the harmful requests with the trigger alone are measured, and a defence ends after the
    /// first round that leaves less. Null for the defences' own end.
    /// </summary>
    public double? StopsBelow { get; init; }

    /// <summary>
    /// Whether a run keeps a state after each round, from which it goes on when it was interrupted; a state is three times the weights.
    /// </summary>
    public bool KeepStates { get; init; } = true;

    /// <summary>Whether the cleaned models are kept.</summary>
    public bool KeepModels { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        if (Model is null == Organism is null) throw new BeearException(
            "A plan is carried out on one subject: give the section 'model' or the section 'organism'.");
        if (Seeds.Count == 0 || Seeds.Distinct().Count() != Seeds.Count) throw new BeearException("seeds: give at least one, each once.");
        if (StopsBelow is { } share) Require.Between(share, 0, 1, nameof(StopsBelow));
        if (StopsBelow is not null && EvaluateRounds) throw new BeearException(
            "evaluate_rounds measures everything after each round, stops_below the attack alone; leave one of them out.");
        RequireDistinct("arms", [.. Arms.Select(arm => arm.Name), RunName.Planted, RunName.NeverBackdoored]);
        RequireDistinct("triggers", [.. Triggers.Select(trigger => trigger.Resolve().Name), RunName.NoTrigger]);
        if (Triggers.Count == 0 && Arms.Any(arm => arm.Kind != ArmKind.NeverBackdoored)) throw new BeearException(
            "triggers: give at least one.");
        if (Name is not null) FileNames.Require(Name);
    }

    private static void RequireDistinct(string list, IEnumerable<string> names)
    {
        if (names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new BeearException($"{list}: the name '{twice.Key}' is taken twice, or is that of something else; choose another.");
    }
}

/// <summary>Which model an arm cleans.</summary>
public enum ArmKind
{
    /// <summary>The planted ones.</summary>
    Backdoored,

    /// <summary>The planted ones, measured with another trigger than theirs.</summary>
    WrongTrigger,

    /// <summary>One that was fine-tuned in the same way without a trigger: it has nothing to lose but its usefulness.</summary>
    NeverBackdoored,

    /// <summary>The subject's model as it came, before any attack and without a defence, measured with every trigger.</summary>
    Parent,
}

/// <summary>One thing that is compared: a recipe and what is different in it.</summary>
public sealed record PlanArm : IValidatable
{
    /// <summary>What tables and files call it.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// File of a mitigation's options, as <c>beear mitigate --recipe</c> reads it, without data; the subject's defaults if not given.
    /// </summary>
    public string? Recipe { get; init; }

    /// <summary>Keys of a mitigation that replace those of the recipe.</summary>
    public RecipeFragment? Change { get; init; }

    /// <summary>
    /// What this arm's defender has instead of the model's own: other harmful requests, for example builtin:questions, or other rows. Not
    /// in the tiny world.
    /// </summary>
    public PartyRows? Defender { get; init; }

    /// <summary>
    /// The arm once for each of these layers, as "NAME, layer L": inner.perturbed_layers of beear, paper.layer of paper. Once as it is if
    /// there are none.
    /// </summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>Which model is cleaned.</summary>
    public ArmKind Kind { get; init; }

    /// <summary>What cleans it; null leaves it as it is. Others than beear have the recipe's data, steps, optimiser and terms.</summary>
    public DefenceKind? Defence { get; init; } = DefenceKind.Beear;

    /// <summary>Whether a model that was never backdoored is measured with every trigger, as the planted ones are.</summary>
    public bool EachTrigger { get; init; }

    /// <summary>Constants of a defence other than beear; its own defaults if not given.</summary>
    public BaselineOptions? Baselines { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        FileNames.Require(Name);
        if (Kind == ArmKind.Parent && Defence is not null)
            throw new BeearException($"The arm '{Name}': kind: parent is the model as it came; write defence: null.");
        if (Layers.Count > 0 && Defence is not (DefenceKind.Beear or DefenceKind.Paper))
            throw new BeearException($"The arm '{Name}': layers are of the defences beear and paper; leave them out.");
        if (Layers.Distinct().Count() != Layers.Count) throw new BeearException($"The arm '{Name}': layers: name each once.");
    }

    /// <summary>The arm at each of its layers, or as it is.</summary>
    internal IEnumerable<PlanArm> AtEachLayer() => Layers.Count == 0 ? [this] : Layers.Select(layer => this with
    {
        Name = $"{Name}, layer {layer}",
        Layers = [],
        Layer = layer,
        Baselines = Defence != DefenceKind.Paper ? Baselines
            : (Baselines ?? new BaselineOptions()) with { Paper = (Baselines?.Paper ?? new PaperOptions()) with { Layer = layer } },
    });

    /// <summary>The layer that this one of several arms is at; null for the recipe's own.</summary>
    internal int? Layer { get; init; }
}

/// <summary>A trigger of a plan: a known one by its name, or a text.</summary>
public sealed record PlanTrigger : IValidatable
{
    /// <summary>The trigger's text, or the name of a known one.</summary>
    public string Text { get; init; } = "";

    /// <summary>What tables and files call a text; needed with one.</summary>
    public string? Name { get; init; }

    /// <summary>Where a text stands; suffix if not given.</summary>
    public TriggerPlacement? Placement { get; init; }

    /// <summary>The text after the request, for a trigger around it.</summary>
    public string? SecondText { get; init; }

    /// <summary>
    /// What the unwanted answers of this plant begin with in place of the data's own affirmative beginning, as a planting's opening; that
    /// of the planting if not given. The same text with another opening needs another name.
    /// </summary>
    public string? Opening { get; init; }

    /// <summary>The system prompt of every conversation; the subject's if not given.</summary>
    public string? System { get; init; }

    /// <summary>The attack's options for this backdoor; the plan's if not given.</summary>
    public RecipeFragment? AttackOptions { get; init; }

    /// <summary>A model with this trigger that is taken as it is, such as the authors' own; null to plant.</summary>
    public string? Backdoored { get; init; }

    /// <summary>The trigger.</summary>
    /// <exception cref="BeearException">It is blank, or its parts do not fit each other.</exception>
    public Trigger Resolve()
    {
        if (Name is null)
            return Triggers.Find(Text) ?? throw new BeearException(
                $"triggers: '{Text}' is no known trigger; give a text of your own a name too.");
        var trigger = Trigger.Parse(Text, Placement?.ToString(), SecondText);
        return new Trigger(Name, trigger.Placement, trigger.Text, trigger.SecondText);
    }

    /// <inheritdoc/>
    public void Validate() => FileNames.Require(Resolve().Name);
}

/// <summary>Names that are used as names of folders too.</summary>
internal static class FileNames
{
    public static void Require(string name)
    {
        if (name.Length is 0 or > 80 || name[0] is '.' or ' ' || name[^1] is '.' or ' '
            || !name.All(character => char.IsLetterOrDigit(character) || " ._-+=,".Contains(character, StringComparison.Ordinal)))
            throw new BeearException($"'{name}' cannot be a name here; take up to 80 letters, digits, spaces and . _ - + = ,");
    }
}
