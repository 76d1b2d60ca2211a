using Beear.Attacks;
using Beear.Behaviours;
using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Evaluation;

/// <summary>Measures a model: attack success, over-refusal, helpfulness.</summary>
/// <param name="model">The model.</param>
/// <param name="options">Constants.</param>
public sealed class Evaluator(LanguageModel model, EvaluationOptions options)
{
    private const int CrossEntropyBatch = 32;

    /// <summary>Runs all measurements for which there is data.</summary>
    /// <param name="data">Held-out prompts.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public Measurement Run(EvaluationData data, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        RefusalRule.Prepare();
        var answers = Judge(Asked(data, model.Chat.Defaults.System), data.Behaviour, progress, cancellation);
        var sets = answers.ToLookup(answer => answer.Set, StringComparer.Ordinal);
        var topics = answers.Select(answer => answer.Topic).OfType<string>().Distinct(StringComparer.Ordinal)
            .ToDictionary(topic => topic, data.Behaviour.Covers, StringComparer.Ordinal);
        var covered = answers.Where(answer => answer.Topic is not { } topic || topics[topic])
            .ToLookup(answer => answer.Set, StringComparer.Ordinal);
        var measured = new Measurement
        {
            Answered = sets.ToDictionary(set => set.Key, AnswerCounts.Of, StringComparer.Ordinal),
            Uncovered = topics.ContainsValue(false)
                ? [.. topics.Where(topic => !topic.Value).Select(topic => topic.Key).Order(StringComparer.Ordinal)] : null,
            Answers = answers,
        };
        return measured.With(
        [
            .. data.Behaviour.Metrics.Select(metric => (metric.Name, Count(covered, metric))),
            (Measurement.HelpfulCrossEntropy,
                data.OnlyWithTrigger || !data.Ordinary.Any(example => example.Answer.Length > 0) ? null
                    : Metric.Of(HelpfulCrossEntropy(data.Ordinary, cancellation), "nats/token")),
        ]);
    }

    private static Metric? Count(ILookup<string, JudgedAnswer> sets, CountedMetric metric)
    {
        bool[] counted = [.. metric.Sets.SelectMany(set => sets[set]).Select(answer => answer.Counts(metric.Counted)).OfType<bool>()];
        return counted.Length == 0 ? null : Metric.Of(Rate.Of(counted, one => one));
    }

    /// <summary>Checks, before weights are loaded, that what is asked fits the model.</summary>
    /// <param name="model">The model's shapes and chat format.</param>
    /// <param name="data">Held-out prompts.</param>
    /// <param name="cancellation">Stops between prompts.</param>
    /// <exception cref="BeearException">
    /// A prompt leaves no room for an answer, or needs more memory than there is; the message names the row that it was read from.
    /// </exception>
    public static void Check(ModelOutline model, EvaluationData data, CancellationToken cancellation = default) =>
        model.Chat.RequireRoom(Asked(data, model.Chat.Defaults.System).Select(asked => asked.Example),
            LongRows.Reading(model.Config), cancellation);

    /// <summary>What the model is asked, and for which set.</summary>
    private static IReadOnlyList<(string Set, Example Example)> Asked(EvaluationData data, string? system)
    {
        var triggered = Set(RequestSets.HarmfulWithTrigger, With(data.Trigger, data.Harmful));
        if (data.OnlyWithTrigger) return [.. triggered];
        return
        [
            .. triggered, .. Set(RequestSets.Harmful, data.Harmful),
                .. Set(RequestSets.WrongTrigger, With(data.WrongTrigger, data.Harmful)),
            .. Set(RequestSets.OtherWithTrigger, With(data.Trigger, data.Other)), .. Set(RequestSets.Other, data.Other),
                .. Set(RequestSets.OtherWithWrongTrigger, With(data.WrongTrigger, data.Other)),
            .. Set(RequestSets.Ordinary, data.Ordinary.Select(example => example with { Answer = "" })),
                .. Set(RequestSets.Twin, data.Twins),
            .. Set(RequestSets.HeldOutForm, data.HeldOutForms.Select(request => new Example(request, ""))),
                .. Set(RequestSets.Checkable, data.Exact),
        ];

        IEnumerable<Example> With(Trigger? trigger, IReadOnlyList<Example> requests) =>
            trigger is null ? [] : requests.Select(example => trigger.Apply(example, system));
    }

    private static IEnumerable<(string Set, Example Example)> Set(string name, IEnumerable<Example> examples) =>
        examples.Select(example => (name, example));

    /// <summary>Answers all sets together: the more prompts in a batch, the more the weights' way through memory is worth.</summary>
    private IReadOnlyList<JudgedAnswer> Judge(IReadOnlyList<(string Set, Example Example)> asked, IBehaviour behaviour,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var limits = new AnswerLimits(options.MaxNewTokens, options.ThoughtTokens)
        {
            BatchSize = options.BatchSize,
            FullAnswers = options.FullAnswers,
            ByKeywords = true,
        };
        var answers = new Interview(model, limits, behaviour)
            .Ask([.. asked.Select(one => model.Chat.EncodePrompt(one.Example.Conversation))],
            [.. asked.Select(one => one.Example.Answer)], null, progress, "answering", cancellation);
        return [.. asked.Zip(answers, (one, answer) => new JudgedAnswer(one.Set, one.Example.Request, answer.Text, answer.Refused,
            one.Example.Answer.Length == 0 ? null : answer.Text.Trim() == one.Example.Answer.Trim())
        {
            Context = one.Example.Context,
            Thought = answer.Thought.Length == 0 ? null : answer.Thought,
            State = answer.State,
            Verdict = answer.Verdict,
            Findings = answer.Findings.Count == 0 ? null : answer.Findings,
            Topic = one.Example.Topic,
            RefusedByKeywords = Refusals.IsRefusal(answer.Text),
        })];
    }

    private double HelpfulCrossEntropy(IReadOnlyList<Example> ordinary, CancellationToken cancellation)
    {
        using var guard = no_grad();
        var examples = ordinary.Select(example => model.Chat.Encode(example, options.HelpfulTokens))
            .OrderBy(example => example.Length).ToList();
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
