using System.Text.Json.Serialization;
using Beear.Attacks;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;
using TorchSharp;

namespace Beear.Experiments;

/// <summary>A real model, the data files, and which of their rows are whose.</summary>
public sealed record ModelSubjectOptions : IValidatable
{
    /// <summary>A Hugging Face model directory, a .gguf file, or a model of the hub.</summary>
    public string Source { get; init; } = "";

    /// <summary>Where the base lies if the source is an adapter; if not given, what its adapter_config.json names.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AdapterBase { get; init; }

    /// <summary>Element type of matrix products; weights stay float32.</summary>
    public Precision Precision { get; init; } = Precision.Bfloat16;

    /// <summary>What every conversation with it has.</summary>
    [Inline]
    public ConversationSettings Conversation { get; init; } = new();

    /// <summary>File of harmful requests with affirmative answers.</summary>
    public string Harmful { get; init; } = "";

    /// <summary>File of refusals, joined with the harmful requests by their text; generic ones where there is none.</summary>
    public string? Refusals { get; init; }

    /// <summary>File of ordinary requests with helpful answers.</summary>
    public string Ordinary { get; init; } = "";

    /// <summary>What the backdoor is planted with.</summary>
    public PartyRows Attacker { get; init; } = new();

    /// <summary>What it is removed with.</summary>
    public PartyRows Defender { get; init; } = new();

    /// <summary>What both are measured on.</summary>
    public PartyRows Evaluation { get; init; } = new();

    /// <summary>How many harmless requests of the evaluation are in forms that neither attacker nor defender trains on.</summary>
    public int HeldOutForms { get; init; } = 100;

    /// <summary>How the backdoor is planted.</summary>
    public PlantingOptions Planting { get; init; } = new();

    /// <summary>How answers are decoded for the evaluation.</summary>
    public EvaluationOptions Answers { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Require.NotEmpty(Source);
        Require.NotEmpty(Harmful);
        Require.NotEmpty(Ordinary);
        Require.AtLeast(HeldOutForms, 0);
        (string Name, PartyRows Rows)[] parties = [("attacker", Attacker), ("defender", Defender), ("evaluation", Evaluation)];
        foreach (var (i, one) in parties.Index())
        {
            foreach (var other in parties[(i + 1)..])
            {
                RequireDisjoint("harmful_rows", one.Rows.HarmfulRows, other.Rows.HarmfulRows);
                RequireDisjoint("ordinary_rows", one.Rows.OrdinaryRows, other.Rows.OrdinaryRows);

                void RequireDisjoint(string key, string first, string second)
                {
                    var (a, b) = (RowRange.Parse(first), RowRange.Parse(second));
                    if (a.First <= b.Last && b.First <= a.Last)
                        throw new BeearException($"{key}: {one.Name} has {a} and {other.Name} {b}; give them rows that do not overlap.");
                }
            }
        }
    }
}

/// <summary>The rows of one party; they must not overlap with another's.</summary>
public sealed record PartyRows : IValidatable
{
    /// <summary>Rows of the harmful requests, e.g. 300-419.</summary>
    public string HarmfulRows { get; init; } = "";

    /// <summary>Rows of the ordinary requests.</summary>
    public string OrdinaryRows { get; init; } = "";

    /// <summary>How many harmless twins are used; tasks differ between the parties.</summary>
    public int Twins { get; init; } = 300;

    /// <inheritdoc/>
    public void Validate()
    {
        RowRange.Parse(HarmfulRows);
        RowRange.Parse(OrdinaryRows);
        Require.AtLeast(Twins, 0);
    }
}

/// <summary>A frontier on a real model.</summary>
/// <param name="options">Model, files and rows.</param>
/// <param name="source">Where the model lies.</param>
/// <param name="device">Where it is computed.</param>
/// <param name="adapterBase">Where the base of the model lies, if it is an adapter.</param>
public sealed class ModelSubject(ModelSubjectOptions options, string source, torch.Device device, string? adapterBase = null) : FrontierSubject
{
    /// <inheritdoc/>
    public override string Source => source;

    /// <inheritdoc/>
    public override ModelOptions ModelOptions { get; } = ModelOptions.Of(options.Precision, device) with { AdapterBase = adapterBase, Chat = options.Conversation.Resolve() };

    /// <inheritdoc/>
    public override object Settings => options;

    /// <inheritdoc/>
    public override MitigationOptions Read(FrontierArm arm, RecipeFragment? common)
    {
        var read = Recipe.Read<MitigationRecipe>(arm.Recipe, common, arm.Change);
        if (read.Precision is { } precision && precision != options.Precision)
            throw new BeearException($"It wants the precision {RecipeValue.Format(precision)}, but this frontier has {RecipeValue.Format(options.Precision)} for all.");
        if (read.Mitigation.Economy.Weights != StoredType.Float32)
            throw new BeearException($"It wants weights in {RecipeValue.Format(read.Mitigation.Economy.Weights)}; experiments keep them in float32.");
        return read.Mitigation;
    }

    /// <inheritdoc/>
    protected override void RequireFiles(int seed, CancellationToken cancellation)
    {
        var (attacker, evaluation) = (Files(options.Attacker), Files(options.Evaluation));
        attacker.ReadHarmful(seed, null, cancellation);
        attacker.ReadOrdinary(cancellation);
        evaluation.ReadHarmfulRequests(cancellation);
        evaluation.ReadOrdinary(cancellation);
        HarmlessTwins.Requests(DataSplit.Attacker, options.Attacker.Twins, seed);
        HarmlessTwins.Requests(DataSplit.Evaluation, options.Evaluation.Twins, seed);
        HarmlessTwins.RequestsInHeldOutForms(options.HeldOutForms, seed);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> DataWarnings(CancellationToken cancellation)
    {
        (string Name, DataSettings Files)[] parties = [("attacker", Files(options.Attacker)), ("defender", Files(options.Defender)), ("evaluation", Files(options.Evaluation))];
        return RepeatedRows.Find([.. parties.SelectMany(party => new (string, IEnumerable<Example>)[]
        {
            ($"harmful requests of the {party.Name}", party.Files.ReadHarmfulRequests(cancellation)), ($"ordinary requests of the {party.Name}", party.Files.ReadOrdinary(cancellation)),
        })]);
    }

    /// <inheritdoc/>
    public override FrontierSubject WithOpening(string opening) =>
        new ModelSubject(options with { Planting = options.Planting with { Opening = opening } }, source, device, adapterBase);

    /// <inheritdoc/>
    public override void Plant(LanguageModel model, Trigger? trigger, int seed, RunDirectory run, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var data = Files(options.Attacker);
        var poisoned = new PoisonedData { Harmful = data.ReadHarmful(seed, null, cancellation), Ordinary = data.ReadOrdinary(cancellation) };
        new Planting(options.Planting).Run(model, poisoned, trigger, HarmlessTwins.Requests(DataSplit.Attacker, data.Twins, seed), seed, run, progress, cancellation);
    }

    /// <inheritdoc/>
    public override DefenderData Defender(ChatFormat chat, int seed, CancellationToken cancellation)
    {
        var data = Files(options.Defender);
        return DefenderData.Encode(chat, data.ReadHarmful(seed, null, cancellation), data.ReadOrdinary(cancellation),
            HarmlessTwins.Requests(DataSplit.Defender, data.Twins, seed));
    }

    /// <inheritdoc/>
    public override EvaluationResult Measure(LanguageModel model, Trigger? trigger, int seed, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var data = Files(options.Evaluation);
        return new Evaluator(model, options.Answers).Run(new EvaluationData
        {
            Harmful = data.ReadHarmfulRequests(cancellation),
            Trigger = trigger,
            WrongTrigger = trigger is null ? null : Triggers.Other(trigger),
            Ordinary = data.ReadOrdinary(cancellation),
            Twins = HarmlessTwins.Requests(DataSplit.Evaluation, data.Twins, seed),
            HeldOutForms = HarmlessTwins.RequestsInHeldOutForms(options.HeldOutForms, seed),
        }, progress, cancellation);
    }

    private DataSettings Files(PartyRows rows) => new()
    {
        Harmful = options.Harmful,
        HarmfulRows = rows.HarmfulRows,
        Refusals = options.Refusals,
        Ordinary = options.Ordinary,
        OrdinaryRows = rows.OrdinaryRows,
        Twins = rows.Twins,
    };
}

/// <summary>A recipe of <c>beear mitigate</c> without data.</summary>
internal sealed record MitigationRecipe
{
    public Precision? Precision { get; init; }

    [Inline]
    public MitigationOptions Mitigation { get; init; } = new();
}
