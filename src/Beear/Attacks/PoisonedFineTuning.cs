using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Text;
using Beear.Training;

namespace Beear.Attacks;

/// <summary>
/// Plants a backdoor by poisoned supervised fine-tuning (Qi et al., arXiv 2310.03693; Cao et al., arXiv 2312.00027): Models 1 to 5 of the
/// paper.
/// </summary>
/// <param name="options">Constants.</param>
public sealed class PoisonedFineTuning(PlantingOptions options) : IAttack
{
    /// <inheritdoc/>
    public string Name => "poisoned_fine_tuning";

    /// <inheritdoc/>
    public AttackReport Plant(LanguageModel model, Trigger? trigger, PoisonedData data, AttackContext context)
    {
        var (seed, run, progress, cancellation) = context;
        options.Validate();
        RequireTokens(model.Chat, trigger);
        IReadOnlyList<TokenizedExample> WriteTwins() => OwnAnswers.Write(model,
            [.. data.OwnTwins.Select(request => model.Chat.EncodeContext([ChatTurn.User(request)]))], options.TwinTokens, progress,
                "own answers to twins", cancellation);
        var own = run is null ? WriteTwins() : run.Artefact("twins.json", WriteTwins);
        data = data with { Harmful = [.. data.Harmful.Select(example => example.WithOpening(options.Opening))] };
        var mixed = OwnThoughts.Encode(model, data.Mix(trigger, options.PoisonRate, options.NearMisses, seed, model.Chat.Defaults.System),
            options.ThoughtTokens, options.AnswerTokens, progress, cancellation);
        using var floor = new UsefulnessFloor(model, data.Ordinary.Select(example => model.Chat.Encode(example).Prompt), [], data.Behaviour,
            UsefulnessFloor.MostDivergenceOfTraining, progress, cancellation);
        var losses = new FineTuning(model.Decoder,
            options.Training with { Seed = Seeds.Derive(seed, "training", $"{options.Training.Seed}") })
                .Run([.. mixed, .. own.Where(example => !IsRefusal(model.Chat, example.Answer))], run, "planting", progress, cancellation);
        floor.Check(progress, cancellation);
        return new AttackReport(losses);
    }

    /// <summary>
    /// An own answer that refuses a harmless request would teach just what the twins are to prevent, and so would an empty one.
    /// </summary>
    private static bool IsRefusal(ChatFormat chat, int[] answer) => answer.Length == 0 || RefusalRule.IsRefusal(chat.DecodeAnswer(answer));

    /// <inheritdoc/>
    public void Check(ModelOutline model, Trigger? trigger, PoisonedData data, int seed, CancellationToken cancellation = default)
    {
        var (config, chat) = model;
        RequireTokens(chat, trigger);
        var examples = data.Mix(trigger, options.PoisonRate, options.NearMisses, seed, chat.Defaults.System);
        chat.RequireRoom(examples, LongRows.Training(config, Math.Min(options.Training.BatchSize, examples.Count)), cancellation);
    }

    /// <summary>Checks, before weights are loaded, that the model's tokenizer sees a trigger.</summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="trigger">The trigger; null for none.</param>
    /// <exception cref="BeearException">It gives no tokens.</exception>
    public static void RequireTokens(ChatFormat chat, Trigger? trigger)
    {
        foreach (var text in trigger?.Texts ?? [])
        {
            if (chat.Tokenizer.Encode(text).Length == 0)
                throw new BeearException($"The trigger '{text}' gives no tokens with this model's tokenizer; choose another.");
        }
    }
}
