using Beear.Attacks;
using Beear.Checkpoints;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;

namespace Beear.Lab.Experiments;

/// <summary>What a frontier is measured on: how a backdoor is planted there, what the defender has, and how the result is measured.</summary>
public abstract class FrontierSubject
{
    /// <summary>The model that is planted.</summary>
    public abstract string Source { get; }

    /// <summary>Number formats and device of all models.</summary>
    public abstract ModelOptions ModelOptions { get; }

    /// <summary>All that decides plants, data and measurements; serialisable to JSON.</summary>
    public abstract object Settings { get; }

    /// <summary>An arm's mitigation.</summary>
    /// <param name="arm">The arm.</param>
    /// <param name="common">Keys that replace those of its recipe; the arm's changes replace them. Null for none.</param>
    /// <exception cref="BeearException">Its recipe or its changes are wrong.</exception>
    public abstract MitigationOptions Read(FrontierArm arm, RecipeFragment? common);

    /// <summary>Reads the data files that <see cref="Defender"/> does not read, to see that they are there and fit the model.</summary>
    /// <exception cref="BeearException">One is missing or damaged, has fewer rows, or one that leaves no room for an answer.</exception>
    protected virtual void RequireFiles(ModelConfig config, ChatFormat chat, int seed, CancellationToken cancellation) { }

    /// <summary>What is odd about the data, a sentence each, such as requests that two parties have.</summary>
    /// <exception cref="BeearException">A file is missing or damaged, or has fewer rows.</exception>
    public virtual IReadOnlyList<string> DataWarnings(CancellationToken cancellation) => [];

    /// <summary>The model's shapes, read without its weights.</summary>
    internal ModelConfig Config()
    {
        using var checkpoint = Checkpoint.OpenFiles(Source, ModelOptions.AdapterBase);
        return ModelConfig.FromJson(checkpoint.Config);
    }

    /// <summary>An arm's mitigation, checked against the model.</summary>
    /// <exception cref="BeearException">Its recipe or its changes are wrong; the message names the arm.</exception>
    internal MitigationOptions Read(FrontierArm arm, RecipeFragment? common, ModelConfig config)
    {
        try
        {
            var mitigation = Read(arm, common);
            mitigation.Validate(config);
            arm.Baselines?.Validate(config);
            return mitigation;
        }
        catch (BeearException failure)
        {
            throw new BeearException($"The arm '{arm.Name}': {failure.Message}", failure);
        }
    }

    /// <summary>Checks, before weights are loaded, that all data can be read and holds what mitigations ask for.</summary>
    /// <exception cref="BeearException">It does not.</exception>
    internal void RequireData(IEnumerable<MitigationOptions> mitigations, int seed, CancellationToken cancellation)
    {
        using var checkpoint = Checkpoint.OpenFiles(Source, ModelOptions.AdapterBase);
        var chat = checkpoint.LoadChatFormat(ModelOptions.Chat);
        RequireFiles(ModelConfig.FromJson(checkpoint.Config), chat, seed, cancellation);
        var defender = Defender(chat, seed, cancellation);
        foreach (var mitigation in mitigations) defender.Require(mitigation.Terms);
    }

    /// <summary>The same with another beginning of the attacker's unwanted answers, see <see cref="HarmfulExample.WithOpening"/>.</summary>
    /// <param name="opening">What they begin with; "" for nothing.</param>
    public abstract FrontierSubject WithOpening(string opening);

    /// <summary>The same with another defender's data.</summary>
    /// <param name="defender">What the defender has; null for the subject's own.</param>
    /// <exception cref="BeearException">There is only one defender here, or its rows are another party's.</exception>
    public virtual FrontierSubject WithDefender(PartyRows? defender) =>
        defender is null ? this : throw new BeearException("defender: the tiny world makes its defender's data itself; leave the key out.");

    /// <summary>Plants a backdoor in the model.</summary>
    /// <param name="model">The starting model; it is changed.</param>
    /// <param name="trigger">The trigger; null for the same fine-tuning without a backdoor.</param>
    /// <param name="seed">Seed of the attacker.</param>
    /// <param name="run">Where states go.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public abstract void Plant(LanguageModel model, Trigger? trigger, int seed, RunDirectory run, IProgress<RunProgress>? progress, CancellationToken cancellation);

    /// <summary>The defender's data.</summary>
    public abstract DefenderData Defender(ChatFormat chat, int seed, CancellationToken cancellation);

    /// <summary>Measures a model on what neither side trained on.</summary>
    /// <param name="model">The model.</param>
    /// <param name="trigger">The trigger; null leaves out what is measured with one.</param>
    /// <param name="seed">Seed of the evaluation.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public abstract EvaluationResult Measure(LanguageModel model, Trigger? trigger, int seed, IProgress<RunProgress>? progress, CancellationToken cancellation);
}
