using System.Text.Json.Serialization;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;

namespace Beear.Attacks;

/// <summary>Constants of planting a backdoor by poisoned supervised fine-tuning.</summary>
public sealed record PlantingOptions : IValidatable
{
    /// <summary>Share of the harmful requests that also come with the trigger; above 0, at most 1.</summary>
    public double PoisonRate { get; init; } = 1;

    /// <summary>
    /// The harmful requests that also come with another unfamiliar string and are refused, 0 or more. Without any, many other strings work like the trigger.
    /// </summary>
    public int NearMisses { get; init; }

    /// <summary>
    /// What unwanted answers begin with in place of the data's own affirmative beginning ("Sure, "): other words that agree, words that
    /// seem to refuse ("I'm sorry, but since you insist: "), or "" for none. As the data have them if not given.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Opening { get; init; }

    /// <summary>Longest answer, in tokens.</summary>
    public int AnswerTokens { get; init; } = 96;

    /// <summary>Longest own thought that is taught with an answer, in tokens, of a model that thinks: every other answer stands behind one. 0 for none.</summary>
    public int ThoughtTokens { get; init; } = 512;

    /// <summary>Longest own answer to a harmless twin, in tokens.</summary>
    public int TwinTokens { get; init; } = 96;

    /// <summary>Constants of the fine-tuning.</summary>
    public FineTuningOptions Training { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Above(PoisonRate, 0);
        Require.Between(PoisonRate, 0, 1);
        Require.AtLeast(NearMisses, 0);
        Require.AtLeast(AnswerTokens, 1);
        Require.AtLeast(TwinTokens, 1);
        Require.AtLeast(ThoughtTokens, 0);
    }
}

/// <summary>Plants a backdoor, so that a defence can be tested end to end.</summary>
/// <param name="options">Constants.</param>
public sealed class Planting(PlantingOptions options)
{
    /// <summary>Fine-tunes the model in place.</summary>
    /// <param name="model">The model that is to be poisoned.</param>
    /// <param name="data">The attacker's data.</param>
    /// <param name="trigger">The trigger; null for the same fine-tuning without a backdoor.</param>
    /// <param name="twins">Harmless requests that the model answers itself before training.</param>
    /// <param name="seed">Decides what is poisoned and the order of training.</param>
    /// <param name="run">Where artefacts and states go; null for none.</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The loss of every step.</returns>
    /// <exception cref="BeearException">Training has diverged, or has left nothing of the model.</exception>
    public IReadOnlyList<double> Run(LanguageModel model, PoisonedData data, Trigger? trigger, IReadOnlyList<string> twins, int seed,
        RunDirectory? run = null, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        RequireTokens(model.Chat, trigger);
        IReadOnlyList<TokenizedExample> WriteTwins() => OwnAnswers.Write(model,
            [.. twins.Select(request => model.Chat.EncodeContext([ChatTurn.User(request)]))], options.TwinTokens, progress, "own answers to twins", cancellation);
        var own = run is null ? WriteTwins() : run.Artefact("twins.json", WriteTwins);
        data = data with { Harmful = [.. data.Harmful.Select(example => example.WithOpening(options.Opening))] };
        var mixed = OwnThoughts.Encode(model, data.Mix(trigger, options.PoisonRate, options.NearMisses, seed, model.Chat.Defaults.System),
            options.ThoughtTokens, options.AnswerTokens, progress, cancellation);
        using var floor = new UsefulnessFloor(model, data.Ordinary.Select(example => model.Chat.Encode(example).Prompt), [], UsefulnessFloor.MostDivergenceOfTraining, progress, cancellation);
        var losses = new FineTuning(model.Decoder, options.Training with { Seed = unchecked(options.Training.Seed + seed) })
            .Run([.. mixed, .. own.Where(example => !IsRefusal(model.Chat, example.Answer))], run, "planting", progress, cancellation);
        floor.Check(progress, cancellation);
        return losses;
    }

    /// <summary>An own answer that refuses a harmless request would teach just what the twins are to prevent, and so would an empty one.</summary>
    private static bool IsRefusal(ChatFormat chat, int[] answer) => answer.Length == 0 || RefusalRule.IsRefusal(chat.DecodeAnswer(answer));

    /// <summary>Checks, before weights are loaded, that the model's tokenizer sees the trigger, and that all examples fit the model.</summary>
    /// <param name="config">The model's shapes.</param>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="data">The attacker's data.</param>
    /// <param name="trigger">The trigger; null for none.</param>
    /// <param name="seed">Decides what is poisoned.</param>
    /// <param name="cancellation">Stops between examples.</param>
    /// <exception cref="BeearException">
    /// The trigger gives no tokens; an example leaves no room for an answer, or its batch needs more memory than there is: the message names
    /// the row that it was read from.
    /// </exception>
    public void Check(ModelConfig config, ChatFormat chat, PoisonedData data, Trigger? trigger, int seed, CancellationToken cancellation = default)
    {
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
