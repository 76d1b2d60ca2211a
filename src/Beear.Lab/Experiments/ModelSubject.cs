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

namespace Beear.Lab.Experiments;

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

    /// <summary>File of harmful requests with affirmative answers; a party that needs none may have built-in ones.</summary>
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
        BuiltInRequests.Parse(Harmful);
        Require.NotEmpty(Ordinary);
        Require.AtLeast(HeldOutForms, 0);
        foreach (var (i, one) in Parties.Index())
        {
            foreach (var other in Parties[(i + 1)..])
            {
                if (HarmfulOf(one) == HarmfulOf(other)) RequireDisjoint("harmful_rows", one.Rows.HarmfulRows, other.Rows.HarmfulRows);
                RequireDisjoint("ordinary_rows", one.Rows.OrdinaryRows, other.Rows.OrdinaryRows);

                void RequireDisjoint(string key, string first, string second)
                {
                    var (a, b) = (RowRange.Parse(first), RowRange.Parse(second));
                    if (a.First > b.Last || b.First > a.Last) return;
                    var (owner, intruder) = (RecipeValue.Format(one.Split), RecipeValue.Format(other.Split));
                    throw new BeearException($"{key}: {owner} has {a} and {intruder} {b}; give them rows that do not overlap.");
                }
            }
        }
    }

    internal (DataSplit Split, PartyRows Rows)[] Parties =>
        [(DataSplit.Attacker, Attacker), (DataSplit.Defender, Defender), (DataSplit.Evaluation, Evaluation)];

    /// <summary>What a party's rows of harmful requests are rows of: a file, or one split of the built-in ones.</summary>
    private string HarmfulOf((DataSplit Split, PartyRows Rows) party)
    {
        string harmful = party.Rows.Harmful ?? Harmful;
        return BuiltInRequests.Parse(harmful)?.Of(party.Split).Name ?? harmful;
    }
}

/// <summary>The rows of one party; they must not overlap with another's of the same file.</summary>
public sealed record PartyRows : IValidatable
{
    /// <summary>The party's own file of harmful requests, or built-in ones, as builtin:mixed; that of all parties if not given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Harmful { get; init; }

    /// <summary>Rows of the harmful requests, e.g. 300-419.</summary>
    public string HarmfulRows { get; init; } = "";

    /// <summary>Rows of the ordinary requests.</summary>
    public string OrdinaryRows { get; init; } = "";

    /// <summary>How many harmless twins are used; tasks differ between the parties.</summary>
    public int Twins { get; init; } = 300;

    /// <inheritdoc/>
    public void Validate()
    {
        if (Harmful is not null) BuiltInRequests.Parse(Harmful);
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
    protected override void RequireFiles(ModelConfig config, ChatFormat chat, int seed, CancellationToken cancellation)
    {
        var (attacker, evaluation) = (Files(options.Attacker), Files(options.Evaluation));
        chat.RequireRoom(
        [
            .. attacker.ReadHarmful(DataSplit.Attacker, AnswerUse.Needed, seed, null, cancellation).Select(example => example.Asked),
            .. attacker.ReadOrdinary(cancellation),
            .. evaluation.ReadHarmfulRequests(DataSplit.Evaluation, cancellation),
            .. evaluation.ReadOrdinary(cancellation),
        ], LongRows.Reading(config), cancellation);
        attacker.DrawTwins(DataSplit.Attacker, seed);
        evaluation.DrawTwins(DataSplit.Evaluation, seed);
        HarmlessTwins.RequestsInHeldOutForms(options.HeldOutForms, seed);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> DataWarnings(CancellationToken cancellation)
    {
        return RepeatedRows.Find([.. options.Parties.SelectMany(party =>
        {
            var (name, files) = (RecipeValue.Format(party.Split), Files(party.Rows));
            return new (string, IEnumerable<Example>)[]
            {
                ($"harmful requests of the {name}", files.ReadHarmfulRequests(party.Split, cancellation)),
                ($"ordinary requests of the {name}", files.ReadOrdinary(cancellation)),
            };
        })]);
    }

    /// <inheritdoc/>
    public override FrontierSubject WithOpening(string opening) =>
        new ModelSubject(options with { Planting = options.Planting with { Opening = opening } }, source, device, adapterBase);

    /// <inheritdoc/>
    public override FrontierSubject WithDefender(PartyRows? defender)
    {
        if (defender is null) return this;
        var changed = options with { Defender = defender };
        changed.Validate();
        return new ModelSubject(changed, source, device, adapterBase);
    }

    /// <inheritdoc/>
    public override void Plant(LanguageModel model, Trigger? trigger, int seed, RunDirectory run, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var data = Files(options.Attacker);
        var answers = trigger is null ? AnswerUse.Unused : AnswerUse.Needed;
        var harmful = data.ReadHarmful(DataSplit.Attacker, answers, seed, null, cancellation);
        var poisoned = new PoisonedData { Harmful = harmful, Ordinary = data.ReadOrdinary(cancellation) };
        var twins = data.DrawTwins(DataSplit.Attacker, seed);
        new Planting(options.Planting).Run(model, poisoned, trigger, twins, seed, run, progress, cancellation);
    }

    /// <inheritdoc/>
    public override DefenderData Defender(ChatFormat chat, int seed, CancellationToken cancellation)
    {
        var data = Files(options.Defender);
        var harmful = data.ReadHarmful(DataSplit.Defender, AnswerUse.IfPresent, seed, null, cancellation);
        return DefenderData.Encode(chat, harmful, data.ReadOrdinary(cancellation), data.DrawTwins(DataSplit.Defender, seed));
    }

    /// <inheritdoc/>
    public override EvaluationResult Measure(LanguageModel model, Trigger? trigger, int seed, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var data = Files(options.Evaluation);
        return new Evaluator(model, options.Answers).Run(new EvaluationData
        {
            Harmful = data.ReadHarmfulRequests(DataSplit.Evaluation, cancellation),
            Trigger = trigger,
            WrongTrigger = trigger is null ? null : Triggers.Other(trigger),
            Ordinary = data.ReadOrdinary(cancellation),
            Twins = data.DrawTwins(DataSplit.Evaluation, seed),
            HeldOutForms = HarmlessTwins.RequestsInHeldOutForms(options.HeldOutForms, seed),
        }, progress, cancellation);
    }

    private DataSettings Files(PartyRows rows) => new()
    {
        Harmful = rows.Harmful ?? options.Harmful,
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
