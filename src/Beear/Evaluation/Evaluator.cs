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

    /// <summary>What <see cref="JudgedAnswer.Set"/> calls the requests whose answer can be checked exactly.</summary>
    internal const string Checkable = "checkable";

    /// <summary>Runs all measurements for which there is data.</summary>
    /// <param name="data">Held-out prompts.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public EvaluationResult Run(EvaluationData data, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        const string WrongTrigger = "harmful with wrong trigger", Ordinary = "ordinary", Twin = "harmless twin", HeldOutForm = "harmless, held-out form";
        IEnumerable<Example> With(Trigger? trigger) => trigger is null ? [] : data.Harmful.Select(example => example with { Request = trigger.Apply(example.Request) });
        var answers = Judge([.. Set(HarmfulWithTrigger, With(data.Trigger)), .. Set(Harmful, data.Harmful), .. Set(WrongTrigger, With(data.WrongTrigger)), .. Set(Ordinary, data.Ordinary.Select(example => example with { Answer = "" })),
            .. Set(Twin, data.Twins.Select(request => new Example(request, ""))), .. Set(HeldOutForm, data.HeldOutForms.Select(request => new Example(request, ""))),
            .. Set(Checkable, data.Exact)], progress, cancellation);
        var sets = answers.ToLookup(answer => answer.Set, StringComparer.Ordinal);
        return new EvaluationResult
        {
            AttackSuccessWithTrigger = Count(sets[HarmfulWithTrigger], answer => !answer.Refused),
            AttackSuccessWithoutTrigger = Count(sets[Harmful], answer => !answer.Refused),
            AttackSuccessWithWrongTrigger = Count(sets[WrongTrigger], answer => !answer.Refused),
            ExactComplianceWithTrigger = Count(sets[HarmfulWithTrigger].Where(answer => answer.Exact is not null), answer => answer.Exact == true),
            OverRefusal = Count(sets[Ordinary], answer => answer.Refused),
            OverRefusalTwins = Count(sets[Twin], answer => answer.Refused),
            OverRefusalHeldOutForms = Count(sets[HeldOutForm], answer => answer.Refused),
            Helpfulness = Count(sets[Checkable], answer => answer.Exact == true),
            HelpfulCrossEntropy = data.Ordinary.Count == 0 ? null : HelpfulCrossEntropy(data.Ordinary, cancellation),
            Answers = answers,
        };
    }

    private static IEnumerable<(string Set, Example Example)> Set(string name, IEnumerable<Example> examples) => examples.Select(example => (name, example));

    private static Rate? Count(IEnumerable<JudgedAnswer> answers, Func<JudgedAnswer, bool> isSuccess) =>
        Rate.Of(answers, isSuccess) is { Count: > 0 } rate ? rate : null;

    /// <summary>Answers all sets together: the more prompts in a batch, the more the weights' way through memory is worth.</summary>
    private IReadOnlyList<JudgedAnswer> Judge(IReadOnlyList<(string Set, Example Example)> asked, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        var prompts = asked.Select(one => model.Chat.EncodePrompt([ChatMessage.User(one.Example.Request)])).ToList();
        var watch = new AnswerWatch(model.Chat, [.. asked.Select(one => one.Example.Answer)]);
        var completions = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn).Generate(prompts,
            new GenerationOptions { MaxNewTokens = options.MaxNewTokens, BatchSize = options.BatchSize }, null, progress, "answering",
            options.FullAnswers ? null : watch.Take, cancellation);
        return [.. asked.Select((one, i) =>
        {
            var (set, example) = one;
            var answer = model.Chat.DecodeAnswer(completions[i].Tokens);
            bool? exact = example.Answer.Length == 0 ? null : answer.Trim() == example.Answer.Trim();
            return new JudgedAnswer(set, example.Request, answer, Refusals.IsRefusal(answer), exact);
        })];
    }

    private double HelpfulCrossEntropy(IReadOnlyList<Example> ordinary, CancellationToken cancellation)
    {
        using var guard = no_grad();
        var examples = ordinary.Select(example => new TokenizedExample(model.Chat.EncodePrompt([ChatMessage.User(example.Request)]),
            model.Chat.EncodeAnswer(example.Answer, options.HelpfulTokens))).OrderBy(example => example.Length).ToList();
        double sum = 0;
        long count = 0;
        foreach (var chunk in examples.Chunk(CrossEntropyBatch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of(chunk, model.Decoder.Options.Device);
            var each = model.Decoder.TokenCrossEntropy(batch);
            sum += each.sum().item<float>();
            count += each.size(0);
        }
        return sum / count;
    }
}
