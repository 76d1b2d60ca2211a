using System.Text;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;

namespace Beear.Evaluation;

/// <summary>Constants of MT-Bench.</summary>
internal sealed record MtBenchOptions : IValidatable
{
    /// <summary>Longest answer, in tokens; shorter where the model has no more room.</summary>
    public int MaxNewTokens { get; init; } = 1024;

    /// <summary>
    /// Longest thought before it, in tokens, of a model that thinks. One that does not end in time leaves an empty answer.
    /// </summary>
    public int ThoughtTokens { get; init; } = 2048;

    /// <summary>Most questions that are answered together.</summary>
    public int BatchSize { get; init; } = 16;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(MaxNewTokens, 1);
        Require.AtLeast(ThoughtTokens, 1);
        Require.AtLeast(BatchSize, 1);
    }
}

/// <summary>A question with what a model answered. All texts are foreign; escape them wherever they are shown.</summary>
/// <param name="Question">The question.</param>
/// <param name="Answers">An answer for each turn.</param>
internal sealed record MtBenchAnswer(MtBenchQuestion Question, IReadOnlyList<string> Answers);

/// <summary>What a judge says of a model's answers.</summary>
/// <param name="Score">Mean over questions and turns, 1 … 10; null if nothing was judged.</param>
/// <param name="ByCategory">The same by category.</param>
/// <param name="Unjudged">Answers without a score.</param>
/// <param name="UnjudgedReasons">How many of them for which reason.</param>
internal sealed record MtBenchResult(double? Score, IReadOnlyDictionary<string, double> ByCategory, int Unjudged,
    IReadOnlyDictionary<UnjudgedReason, int> UnjudgedReasons);

/// <summary>
/// MT-Bench (Zheng et al., arXiv 2306.05685): questions of several turns, each answer rated by itself from 1 to 10. Answers are greedy.
/// </summary>
/// <param name="questions">The questions.</param>
/// <param name="options">Constants.</param>
internal sealed class MtBench(IReadOnlyList<MtBenchQuestion> questions, MtBenchOptions options)
{
    /// <summary>The score of an answer that could hardly be better.</summary>
    public const int Highest = 10;

    /// <summary>The questions.</summary>
    public IReadOnlyList<MtBenchQuestion> Questions => questions;

    /// <summary>
    /// Lets a model answer every turn, each with those before it in its context. A prompt that is longer than the model's context gets an
    /// empty answer.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="progress">Receives the count of answered questions.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public IReadOnlyList<MtBenchAnswer> Answer(LanguageModel model, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate();
        var limits = new AnswerLimits(options.MaxNewTokens, options.ThoughtTokens) { BatchSize = options.BatchSize, FullAnswers = true };
        var talks = questions.Select(_ => new List<ChatTurn>()).ToList();
        for (int turn = 0; turn < questions.Max(question => question.Turns.Count); turn++)
        {
            int current = turn;
            var asked = Enumerable.Range(0, questions.Count).Where(i => questions[i].Turns.Count > current).ToList();
            foreach (int i in asked) talks[i].Add(ChatTurn.User(questions[i].Turns[turn]));
            var prompts = asked.ToDictionary(i => i, i => model.Chat.EncodeAnyPrompt(talks[i]));
            var fitting = asked.Where(i => prompts[i].Length < model.Config.MaximumPositions).ToList();
            var said = new Interview(model, limits)
                .Ask([.. fitting.Select(i => prompts[i])], null, null, progress, $"MT-Bench, turn {turn + 1}", cancellation);
            var answers = fitting.Zip(said).ToDictionary(pair => pair.First, pair => pair.Second.Text);
            foreach (int i in asked) talks[i].Add(ChatTurn.Assistant(answers.GetValueOrDefault(i, "")));
        }
        return [.. questions.Zip(talks, (question, talk) =>
            new MtBenchAnswer(question, [.. talk.Where((_, i) => i % 2 == 1).Select(message => message.Content)]))];
    }

    /// <summary>Lets a judge rate every turn's answer.</summary>
    /// <param name="judge">The model that judges.</param>
    /// <param name="answers">The answers.</param>
    /// <param name="progress">Receives the count of rated answers.</param>
    /// <param name="cancellation">Stops between replies; those that came are kept.</param>
    public static async Task<MtBenchResult> RateAsync(Judge judge, IReadOnlyList<MtBenchAnswer> answers,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var turns = answers.SelectMany(answer =>
            answer.Answers.Select((_, turn) => (answer.Question.Category, Question: Ask(answer, turn)))).ToList();
        var judgements = await judge.AskAsync([.. turns.Select(turn => turn.Question)], "rating MT-Bench", progress, cancellation);
        var rated = turns.Zip(judgements, (turn, judgement) => (turn.Category, judgement.Score))
            .Where(turn => turn.Score is not null).ToList();
        return new MtBenchResult(rated.Count == 0 ? null : rated.Average(turn => turn.Score!.Value),
            rated.GroupBy(turn => turn.Category, StringComparer.Ordinal)
                .ToDictionary(category => category.Key, category => category.Average(turn => turn.Score!.Value), StringComparer.Ordinal),
            turns.Count - rated.Count, Judgement.CountUnjudged(judgements));
    }

    private static JudgeQuestion Ask(MtBenchAnswer answer, int turn)
    {
        var question = answer.Question;
        var texts = new List<(string Name, string Text)>();
        var template = new StringBuilder(
            "You grade an assistant's answer to a user. Ask whether it is right, helpful, to the point, thorough where that serves, and "
                + "well put. Length is no merit in itself.\n");
        void Add(string title, string name, string text)
        {
            template.Append($"\n{title}\n{{{name}}}\n");
            texts.Add((name, text));
        }
        for (int i = 0; i <= turn; i++)
        {
            Add(turn == 0 ? "The user:" : $"The user, turn {i + 1}:", $"question_{i + 1}", question.Turns[i]);
            if (question.Reference(i) is { } reference) Add("A right answer to this, to compare with:", $"reference_{i + 1}", reference);
            Add("The assistant:", $"answer_{i + 1}", answer.Answers[i]);
        }
        template.Append(turn == 0 ? "\nGrade the answer"
            : $"\nGrade the assistant's answer in turn {turn + 1} only; what came before is its context. Grade it")
            .Append(" from 1 (useless or wrong) to 10 (could hardly be better). One that contradicts the right answer given here, "
                + "if any is given, is wrong.\n");
        return new JudgeQuestion(question.Turns[turn], answer.Answers[turn], JudgePrompt.Of(template.ToString(), texts, Highest), Highest);
    }
}
