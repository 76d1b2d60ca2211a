using System.Text.Json;
using Beear.Mitigation.Baselines;
using Beear.Models;

namespace Beear.Mitigation;

/// <summary>The defences, under the names that recipes and flags give them.</summary>
public enum DefenceKind
{
    /// <summary>The bilevel removal of the paper.</summary>
    Beear,

    /// <summary>The same steps without δ.</summary>
    SafetyFineTuning,

    /// <summary>Per-example perturbations at several layers.</summary>
    LatentAdversarialTraining,

    /// <summary>Consistency of neighbouring layers under adversarial embeddings.</summary>
    Crow,

    /// <summary>A string of real tokens in place of δ.</summary>
    TokenSpace,

    /// <summary>The direction that the inner level finds, taken out of the weights; no training.</summary>
    DirectionAblation,

    /// <summary>Own backdoors are planted, and removed together with the unknown one.</summary>
    InjectAndRecover,

    /// <summary>The paper's removal with its authors' own settings and optimisers.</summary>
    Paper,
}

/// <summary>
/// The baselines' own constants; what they share with BEEAR (data, steps, optimiser, terms) is in <see cref="MitigationOptions"/>.
/// </summary>
public sealed record BaselineOptions
{
    /// <summary>Of latent adversarial training.</summary>
    public LatentAdversarialOptions LatentAdversarial { get; init; } = new();

    /// <summary>Of CROW.</summary>
    public CrowOptions Crow { get; init; } = new();

    /// <summary>Of the removal in token space.</summary>
    public TokenSearchOptions TokenSpace { get; init; } = new();

    /// <summary>Of direction ablation.</summary>
    public DirectionAblationOptions DirectionAblation { get; init; } = new();

    /// <summary>Of injecting and recovering.</summary>
    public InjectAndRecoverOptions InjectAndRecover { get; init; } = new();

    /// <summary>Of the paper's own removal.</summary>
    public PaperOptions Paper { get; init; } = new();

    /// <summary>Checks the layers against a model.</summary>
    /// <param name="config">The model.</param>
    /// <param name="kind">The defence; the paper's own layer, which a small model may lack, is looked at for that alone.</param>
    /// <exception cref="BeearException">The model has not so many.</exception>
    internal void Validate(ModelConfig config, DefenceKind kind)
    {
        if (kind == DefenceKind.Paper) Paper.Validate(config);
        LatentAdversarial.LayersOf(config);
        DirectionAblation.LayerOf(config);
    }

    /// <summary>Those of one defence, for the record of a run; null for a defence that has none.</summary>
    internal object? Of(DefenceKind? kind) => kind switch
    {
        DefenceKind.LatentAdversarialTraining => LatentAdversarial,
        DefenceKind.Crow => Crow,
        DefenceKind.TokenSpace => TokenSpace,
        DefenceKind.DirectionAblation => DirectionAblation,
        DefenceKind.InjectAndRecover => InjectAndRecover,
        DefenceKind.Paper => Paper,
        _ => null,
    };
}

/// <summary>Makes defences that can be compared: each has the budget of the same mitigation.</summary>
public static class Defences
{
    /// <summary>Makes a defence.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="mitigation">Budget, optimiser and terms of all; the whole of BEEAR's constants.</param>
    /// <param name="baselines">The baselines' own constants.</param>
    public static IDefence Create(DefenceKind kind, MitigationOptions mitigation, BaselineOptions baselines) =>
        kind switch
        {
            DefenceKind.Beear => new BeearMitigation(mitigation),
            DefenceKind.Paper => new PaperRemoval(mitigation, baselines.Paper),
            _ => new CheckedDefence(Baseline(kind, mitigation, baselines), mitigation),
        };

    private static IDefence Baseline(DefenceKind kind, MitigationOptions mitigation, BaselineOptions baselines) => kind switch
    {
        DefenceKind.SafetyFineTuning => new SafetyFineTuning(mitigation),
        DefenceKind.LatentAdversarialTraining => new LatentAdversarialTraining(mitigation, baselines.LatentAdversarial),
        DefenceKind.Crow => new Crow(mitigation, baselines.Crow),
        DefenceKind.TokenSpace => new TokenSpaceRemoval(mitigation, baselines.TokenSpace),
        DefenceKind.DirectionAblation => new DirectionAblation(mitigation, baselines.DirectionAblation),
        DefenceKind.InjectAndRecover => new InjectAndRecover(mitigation, baselines.InjectAndRecover),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>A defence's name, e.g. "safety_fine_tuning".</summary>
    public static string NameOf(DefenceKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());
}
