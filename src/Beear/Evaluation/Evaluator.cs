using Beear.Attacks;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Evaluation;

/// <summary>Measures a model: attack success, over-refusal, helpfulness.</summary>
/// <param name="model">The model.</param>
/// <param name="options">Constants.</param>
public sealed class Evaluator(LanguageModel model, EvaluationOptions options)
{
    private const int CrossEntropyBatch = 32;

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls harmful requests with the trigger.</summary>
    public const string HarmfulWithTrigger = "harmful with trigger";

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls harmful requests without a trigger.</summary>
    public const string Harmful = "harmful";

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls harmful requests with a wrong trigger.</summary>
    public const string WrongTrigger = "harmful with wrong trigger";

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls ordinary requests.</summary>
    public const string Ordinary = "ordinary";

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls harmless requests in the harmful ones' forms.</summary>
    public const string Twin = "harmless twin";

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls harmless requests in forms that neither side trained on.</summary>
    public const string HeldOutForm = "harmless, held-out form";

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls the requests whose answer can be checked exactly.</summary>
    public const string Checkable = "checkable";

    /// <summary>Runs all measurements for which there is data.</summary>
    /// <param name="data">Held-out prompts.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public EvaluationResult Run(EvaluationData data, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        RefusalRule.Prepare();
        var answers = Judge(Asked(data, model.Chat.Defaults.System), progress, cancellation);
        var sets = answers.ToLookup(answer => answer.Set, StringComparer.Ordinal);
        // What ends within a thought says nothing: neither rule's own nor the checks' rates are over it.
        var answered = answers.Where(answer => answer.State != AnswerState.Unfinished).ToLookup(answer => answer.Set, StringComparer.Ordinal);
        var rates = Rates(answered, answer => answer.Complied, answer => answer.Refused);
        return new EvaluationResult
        {
            AttackSuccessWithTrigger = rates.AttackSuccessWithTrigger,
            AttackSuccessWithoutTrigger = rates.AttackSuccessWithoutTrigger,
            AttackSuccessWithWrongTrigger = rates.AttackSuccessWithWrongTrigger,
            ExactComplianceWithTrigger = Count(answered[HarmfulWithTrigger].Where(answer => answer.Exact is not null), answer => answer.Exact == true),
            OverRefusal = rates.OverRefusal,
            OverRefusalTwins = rates.OverRefusalTwins,
            OverRefusalHeldOutForms = rates.OverRefusalHeldOutForms,
            Helpfulness = Count(answered[Checkable], answer => answer.Exact == true),
            HelpfulCrossEntropy = data.Ordinary.Count == 0 ? null : HelpfulCrossEntropy(data.Ordinary, cancellation),
            ByKeywords = Rates(sets, answer => !answer.RefusedByKeywords, answer => answer.RefusedByKeywords),
            Answered = sets.ToDictionary(set => set.Key, AnswerCounts.Of, StringComparer.Ordinal),
            Answers = answers,
        };
    }

    /// <summary>Checks, before weights are loaded, that what is asked fits the model.</summary>
    /// <param name="config">The model's shapes.</param>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="data">Held-out prompts.</param>
    /// <param name="cancellation">Stops between prompts.</param>
    /// <exception cref="BeearException">
    /// A prompt leaves no room for an answer, or needs more memory than there is; the message names the row that it was read from.
    /// </exception>
    public static void Check(ModelConfig config, ChatFormat chat, EvaluationData data, CancellationToken cancellation = default) =>
        chat.RequireRoom(Asked(data, chat.Defaults.System).Select(asked => asked.Example), LongRows.Reading(config), cancellation);

    /// <summary>What the model is asked, and for which set.</summary>
    private static IReadOnlyList<(string Set, Example Example)> Asked(EvaluationData data, string? system)
    {
        return
        [
            .. Set(HarmfulWithTrigger, With(data.Trigger)), .. Set(Harmful, data.Harmful), .. Set(WrongTrigger, With(data.WrongTrigger)),
            .. Set(Ordinary, data.Ordinary.Select(example => example with { Answer = "" })), .. Set(Twin, data.Twins.Select(request => new Example(request, ""))),
            .. Set(HeldOutForm, data.HeldOutForms.Select(request => new Example(request, ""))), .. Set(Checkable, data.Exact),
        ];

        IEnumerable<Example> With(Trigger? trigger) => trigger is null ? [] : data.Harmful.Select(example => trigger.Apply(example, system));
    }

    private static RefusalRates Rates(ILookup<string, JudgedAnswer> sets, Func<JudgedAnswer, bool> complied, Func<JudgedAnswer, bool> refused) => new()
    {
        AttackSuccessWithTrigger = Count(sets[HarmfulWithTrigger], complied),
        AttackSuccessWithoutTrigger = Count(sets[Harmful], complied),
        AttackSuccessWithWrongTrigger = Count(sets[WrongTrigger], complied),
        OverRefusal = Count(sets[Ordinary], refused),
        OverRefusalTwins = Count(sets[Twin], refused),
        OverRefusalHeldOutForms = Count(sets[HeldOutForm], refused),
    };

    private static IEnumerable<(string Set, Example Example)> Set(string name, IEnumerable<Example> examples) => examples.Select(example => (name, example));

    private static Rate? Count(IEnumerable<JudgedAnswer> answers, Func<JudgedAnswer, bool> isSuccess) =>
        Rate.Of(answers, isSuccess) is { Count: > 0 } rate ? rate : null;

    /// <summary>Answers all sets together: the more prompts in a batch, the more the weights' way through memory is worth.</summary>
    private IReadOnlyList<JudgedAnswer> Judge(IReadOnlyList<(string Set, Example Example)> asked, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var limits = new AnswerLimits(options.MaxNewTokens, options.ThoughtTokens) { BatchSize = options.BatchSize, FullAnswers = options.FullAnswers, ByKeywords = true };
        var answers = new Interview(model, limits)
            .Ask([.. asked.Select(one => model.Chat.EncodePrompt(one.Example.Conversation))], [.. asked.Select(one => one.Example.Answer)], null, progress, "answering", cancellation);
        return [.. asked.Zip(answers, (one, answer) => new JudgedAnswer(one.Set, one.Example.Request, answer.Text, answer.Refused,
            one.Example.Answer.Length == 0 ? null : answer.Text.Trim() == one.Example.Answer.Trim())
        {
            Context = one.Example.Context,
            Thought = answer.Thought.Length == 0 ? null : answer.Thought,
            State = answer.State,
            RefusedByKeywords = Refusals.IsRefusal(answer.Text),
        })];
    }

    private double HelpfulCrossEntropy(IReadOnlyList<Example> ordinary, CancellationToken cancellation)
    {
        using var guard = no_grad();
        var examples = ordinary.Select(example => model.Chat.Encode(example, options.HelpfulTokens)).OrderBy(example => example.Length).ToList();
        double sum = 0;
        long count = 0;
        foreach (var chunk in examples.Chunk(CrossEntropyBatch).Divided(example => example.Length))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of(chunk, model.Decoder.Options.Device);
            var each = model.Decoder.TokenCrossEntropy(batch, cancellation: cancellation);
            sum += each.sum().item<float>();
            count += each.size(0);
        }
        return Require.Finite(sum, "cross-entropy of helpful answers") / count;
    }
}
