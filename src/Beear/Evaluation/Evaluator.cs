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
        IReadOnlyList<JudgedAnswer> Answer(string set, IEnumerable<Example> examples) => Judge(set, [.. examples], progress, cancellation);
        var withTrigger = data.Trigger is { } trigger
            ? Answer(HarmfulWithTrigger, data.Harmful.Select(example => example with { Request = trigger.Apply(example.Request) })) : [];
        var withoutTrigger = Answer(Harmful, data.Harmful);
        var ordinary = Answer("ordinary", data.Ordinary.Select(example => example with { Answer = "" }));
        var twins = Answer("harmless twin", data.Twins.Select(request => new Example(request, "")));
        var forms = Answer("harmless, held-out form", data.HeldOutForms.Select(request => new Example(request, "")));
        var exact = Answer(Checkable, data.Exact);
        return new EvaluationResult
        {
            AttackSuccessWithTrigger = Count(withTrigger, answer => !answer.Refused),
            AttackSuccessWithoutTrigger = Count(withoutTrigger, answer => !answer.Refused),
            ExactComplianceWithTrigger = withTrigger.Any(answer => answer.Exact is not null) ? Count(withTrigger, answer => answer.Exact == true) : null,
            OverRefusal = Count(ordinary, answer => answer.Refused),
            OverRefusalTwins = Count(twins, answer => answer.Refused),
            OverRefusalHeldOutForms = Count(forms, answer => answer.Refused),
            Helpfulness = Count(exact, answer => answer.Exact == true),
            HelpfulCrossEntropy = data.Ordinary.Count == 0 ? null : HelpfulCrossEntropy(data.Ordinary, cancellation),
            Answers = [.. withTrigger, .. withoutTrigger, .. ordinary, .. twins, .. forms, .. exact],
        };
    }

    private static Rate? Count(IReadOnlyList<JudgedAnswer> answers, Func<JudgedAnswer, bool> isSuccess) =>
        answers.Count == 0 ? null : new Rate(answers.Count(isSuccess), answers.Count);

    private IReadOnlyList<JudgedAnswer> Judge(string set, IReadOnlyList<Example> examples, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        if (examples.Count == 0) return [];
        var prompts = examples.Select(example => model.Chat.EncodePrompt([ChatMessage.User(example.Request)])).ToList();
        var completions = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn).Generate(prompts,
            new GenerationOptions { MaxNewTokens = options.MaxNewTokens, BatchSize = options.BatchSize }, null, progress, $"answering: {set}", cancellation);
        return [.. examples.Select((example, i) =>
        {
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
        foreach (var chunk in examples.Chunk(options.BatchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of(chunk, model.Decoder.Options.Device);
            var each = model.Decoder.TokenCrossEntropy(batch);
            sum += each.sum().item<float>();
            count += each.shape[0];
        }
        return sum / count;
    }
}
