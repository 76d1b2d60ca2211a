using Beear.Behaviours;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Generation;

/// <summary>How long answers may be, and how much is wanted of them.</summary>
/// <param name="MaxNewTokens">Longest answer, in tokens, its thought aside.</param>
/// <param name="ThoughtTokens">Longest thought before it, in tokens.</param>
internal sealed record AnswerLimits(int MaxNewTokens, int ThoughtTokens)
{
    /// <summary>Most prompts that are decoded together.</summary>
    public int BatchSize { get; init; } = BatchGenerator.ShortAnswers;

    /// <summary>Decode every answer to its end; otherwise one ends as soon as no further token can change what is counted for it.</summary>
    public bool FullAnswers { get; init; }

    /// <summary>Whether the published keywords are counted too, so that an answer goes on until one is found.</summary>
    public bool ByKeywords { get; init; }
}

/// <summary>
/// Asks a model and reads what it says: thoughts apart from answers, and how far each came. The one place where answers become what is
/// counted.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="limits">How long answers may be.</param>
/// <param name="behaviour">What judges them; <see cref="Refusal"/> if not given.</param>
internal sealed class Interview(LanguageModel model, AnswerLimits limits, IBehaviour? behaviour = null)
{
    private readonly IBehaviour behaviour = behaviour ?? Refusal.Instance;

    /// <summary>Lets the model answer.</summary>
    /// <param name="prompts">Token ids; none empty.</param>
    /// <param name="known">For each prompt the text that its answer is compared with, empty for none; null if there are none.</param>
    /// <param name="perturbation">δ; null for none.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>An answer for each prompt, in their order.</returns>
    public IReadOnlyList<ModelAnswer> Ask(IReadOnlyList<int[]> prompts, IReadOnlyList<string>? known = null,
        Perturbation? perturbation = null,
        IProgress<RunProgress>? progress = null, string stage = "answering", CancellationToken cancellation = default)
    {
        var chat = model.Chat;
        int positions = model.Config.MaximumPositions, longest = limits.MaxNewTokens + (chat.MayThink ? limits.ThoughtTokens : 0);
        var watch = new AnswerWatch(chat, prompts, known ?? [.. prompts.Select(_ => "")], limits, behaviour, positions);
        bool watches = !limits.FullAnswers || chat.MayThink || prompts.Any(prompt => prompt.Length + longest > positions);
        var answers = new BatchGenerator(model.Decoder, chat.EndOfTurn)
            .Generate(prompts, new GenerationOptions { MaxNewTokens = longest, BatchSize = limits.BatchSize },
            perturbation, progress, stage, watches ? watch.Take : null, cancellation);
        var read = answers.Select((answer, i) => Read(answer, prompts[i], text => watch.IsDecided(i, text))).ToList();
        var verdicts = behaviour.Judge([.. read.Select(one => (one.Text, one.State == AnswerState.CutOff))], cancellation);
        return [.. read.Zip(verdicts, (one, judged) => one with { Verdict = judged.Verdict, Findings = judged.Findings })];
    }

    private ModelAnswer Read(Completion answer, int[] prompt, Func<string, bool> isDecided)
    {
        var parts = model.Chat.ReadAnswer(answer.Tokens, model.Chat.OpensThought(prompt));
        var state = parts.IsThoughtOpen && !answer.Ended ? AnswerState.Unfinished
            : string.IsNullOrWhiteSpace(parts.Answer) ? AnswerState.Empty
            : answer.Ended || isDecided(parts.Answer) ? AnswerState.Whole : AnswerState.CutOff;
        return new ModelAnswer(parts.Answer, parts.Thought, state, Refusal.IsRefusal(parts.Answer, state == AnswerState.CutOff), default);
    }
}
