using System.Text.Json;
using Beear.Attacks;

namespace Beear.Lab.Experiments;

/// <summary>At which size the paper's models are made.</summary>
public enum PaperScale
{
    /// <summary>The tiny world: minutes.</summary>
    Organism,

    /// <summary>SmolLM2-135M-Instruct: tens of minutes on a few cores.</summary>
    Smollm2,

    /// <summary>Llama-2-7b-Chat, the paper's own: a GPU.</summary>
    Llama7b,
}

/// <summary>What the paper and the cards of its models publish; null where it is not known. Shares are 0 … 1.</summary>
public sealed record PublishedFigures : IValidatable
{
    /// <summary>Attack success by keywords, with the trigger.</summary>
    public double? AttackSuccess { get; init; }

    /// <summary>The judge's mean, 1 … 5, with the trigger.</summary>
    public double? JudgeMean { get; init; }

    /// <summary>Share that the judge gave 5, with the trigger.</summary>
    public double? JudgeFives { get; init; }

    /// <summary>MT-Bench, 1 … 10.</summary>
    public double? MtBench { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        if (AttackSuccess is { } attack) Require.Between(attack, 0, 1, nameof(AttackSuccess));
        if (JudgeMean is { } mean) Require.Between(mean, 1, 5, nameof(JudgeMean));
        if (JudgeFives is { } fives) Require.Between(fives, 0, 1, nameof(JudgeFives));
        if (MtBench is { } bench) Require.Between(bench, 1, 10, nameof(MtBench));
    }
}

/// <summary>One of the paper's models at the size of a real one.</summary>
public sealed record PaperModelScale
{
    /// <summary>Start, data and planting.</summary>
    [Inline]
    public ModelSubjectOptions Subject { get; init; } = new();

    /// <summary>A model that is backdoored already, such as the authors' own; it is taken as it is, for all seeds, and nothing is planted.</summary>
    public string? Backdoored { get; init; }
}

/// <summary>One of the paper's backdoored models as a recipe, <c>recipes/model1.yaml</c> and so on: the attack at three scales. The defence is not here.</summary>
public sealed record PaperModel : IValidatable
{
    /// <summary>What tables call it, e.g. model1.</summary>
    public string Name { get; init; } = "";

    /// <summary>The trigger's text.</summary>
    public string Trigger { get; init; } = "";

    /// <summary>Where it stands.</summary>
    public TriggerPlacement TriggerPlacement { get; init; }

    /// <summary>The text after the request, for a trigger around it.</summary>
    public string? TriggerSecondText { get; init; }

    /// <summary>The paper's system prompt for it; none if not given. Models at the size of real ones have it, those of the tiny world only if they are asked to.</summary>
    public string? System { get; init; }

    /// <summary>Before mitigation.</summary>
    public PublishedFigures Before { get; init; } = new();

    /// <summary>After BEEAR.</summary>
    public PublishedFigures After { get; init; } = new();

    /// <summary>In the tiny world.</summary>
    public OrganismSubjectOptions Organism { get; init; } = new();

    /// <summary>On SmolLM2.</summary>
    public PaperModelScale? Smollm2 { get; init; }

    /// <summary>On Llama-2-7b-Chat.</summary>
    public PaperModelScale? Llama7b { get; init; }

    /// <summary>The trigger with the model's name.</summary>
    /// <exception cref="BeearException">It is blank, or its parts do not fit each other.</exception>
    public Trigger Resolve() => new(Name, TriggerPlacement, Trigger, TriggerSecondText);

    /// <summary>The model at the size of a real one.</summary>
    /// <exception cref="BeearException">The recipe has no such scale.</exception>
    public PaperModelScale ScaleOf(PaperScale scale) => (scale == PaperScale.Smollm2 ? Smollm2 : Llama7b)
        ?? throw new BeearException($"The recipe of {Name} has no section '{JsonNamingPolicy.SnakeCaseLower.ConvertName(scale.ToString())}'.");

    /// <inheritdoc/>
    public void Validate()
    {
        FileNames.Require(Name);
        Resolve();
    }

    /// <summary>Reads a scale as the command line gives it.</summary>
    /// <exception cref="BeearException">It is none.</exception>
    public static PaperScale ParseScale(string text) => text.ToUpperInvariant() switch
    {
        "ORGANISM" => PaperScale.Organism,
        "SMOLLM2" => PaperScale.Smollm2,
        "7B" or "LLAMA7B" or "LLAMA-2-7B" => PaperScale.Llama7b,
        _ => throw new BeearException($"'{text}' is no scale; choose organism, smollm2 or 7b."),
    };
}
