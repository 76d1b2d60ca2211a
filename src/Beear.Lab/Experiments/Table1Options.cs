using Beear.Data;
using Beear.Mitigation;

namespace Beear.Lab.Experiments;

/// <summary>The defences of Table 1 at one scale: the same for all five models.</summary>
public sealed record Table1Scale
{
    /// <summary>File of BEEAR's options, as <c>beear mitigate --recipe</c> reads it, without data; the scale's own defaults if not given.</summary>
    public string? Recipe { get; init; }

    /// <summary>Keys that replace those of the recipe.</summary>
    public RecipeFragment? Change { get; init; }

    /// <summary>The baselines' own options; data, steps, optimiser and anchors are BEEAR's.</summary>
    public BaselineOptions Baselines { get; init; } = new();

    /// <summary>Whether a run keeps a state after each round, from which it goes on when it was interrupted; a state is three times the weights.</summary>
    public bool KeepStates { get; init; } = true;
}

/// <summary>The defences of Table 1 as a recipe, <c>recipes/table1.yaml</c>.</summary>
public sealed record Table1Options
{
    /// <summary>In the tiny world.</summary>
    public Table1Scale Organism { get; init; } = new();

    /// <summary>On SmolLM2.</summary>
    public Table1Scale Smollm2 { get; init; } = new();

    /// <summary>On Llama-2-7b-Chat.</summary>
    public Table1Scale Llama7b { get; init; } = new();

    /// <summary>One scale.</summary>
    public Table1Scale this[PaperScale scale] => scale switch
    {
        PaperScale.Organism => Organism,
        PaperScale.Smollm2 => Smollm2,
        _ => Llama7b,
    };
}

/// <summary>A model of the table, ready to run.</summary>
/// <param name="Paper">Its recipe.</param>
/// <param name="Subject">How it is planted, cleaned and measured at the chosen scale.</param>
/// <param name="Backdoored">Where a model lies that is backdoored already; null to plant.</param>
public sealed record Table1Model(PaperModel Paper, FrontierSubject Subject, string? Backdoored = null);

/// <summary>An arm of the table.</summary>
/// <param name="Name">As JSON and tables call it.</param>
/// <param name="Defence">What is done to the model; null for nothing.</param>
/// <param name="IsClean">Whether it starts from a model that was fine-tuned without the trigger.</param>
/// <param name="WrongTrigger">Whether it is measured with another trigger than the planted one.</param>
public sealed record Table1Arm(string Name, DefenceKind? Defence, bool IsClean = false, bool WrongTrigger = false)
{
    /// <summary>The backdoored model.</summary>
    public static Table1Arm Planted { get; } = new("planted", null);

    /// <summary>The backdoored model after BEEAR.</summary>
    public static Table1Arm Beear { get; } = Of(DefenceKind.Beear);

    /// <summary>All arms, in the order of the table: plain safety fine-tuning, BEEAR, the other baselines, the controls.</summary>
    public static IReadOnlyList<Table1Arm> All { get; } =
    [
        Planted, Of(DefenceKind.SafetyFineTuning), Beear,
        .. Enum.GetValues<DefenceKind>().Where(kind => kind is not (DefenceKind.SafetyFineTuning or DefenceKind.Beear)).Select(Of),
        new("wrong_trigger", null, WrongTrigger: true), new("clean", null, IsClean: true), new("clean_beear", DefenceKind.Beear, IsClean: true),
    ];

    private static Table1Arm Of(DefenceKind kind) => new(Defences.NameOf(kind), kind);
}
