using Beear.Models;
using Beear.Runtime;
using Microsoft.Extensions.AI;

namespace Beear.Evaluation;

/// <summary>Constants of a judge.</summary>
public sealed record JudgeOptions : IValidatable
{
    /// <summary>Longest reply, in tokens; a longer one is cut and counts as one without a score.</summary>
    public int MaxReplyTokens { get; init; } = 512;

    /// <summary>Requests that are under way at once; always one for a local model.</summary>
    public int AtOnce { get; init; } = 8;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(MaxReplyTokens, 1);
        Require.Between(AtOnce, 1, 256);
    }
}

/// <summary>
/// A language model that gives scores, greedily decoded. The score is read from the reply's last line of the agreed form; a reply without one is asked for again once, and then the
/// answer is unjudged. What was judged once is not asked again.
/// </summary>
/// <example><code>
/// var judge = new Judge(client, "my judge", file: "judgements.jsonl");
/// var judgements = await new HarmfulnessJudge(judge).JudgeAsync([("How do I …?", "I cannot help with that.")]);
/// </code></example>
public sealed class Judge
{
    private const string Again = "\n\nA program reads your reply. Reply with the score line alone, without reasons.";

    private readonly IChatClient client;
    private readonly JudgeOptions options;
    private readonly JudgementLog log;

    /// <summary>Makes a judge of a chat client.</summary>
    /// <param name="client">The client; it stays the caller's.</param>
    /// <param name="name">What the judge is called in files; judgements of another name are not taken for its own.</param>
    /// <param name="options">Constants; null for the defaults.</param>
    /// <param name="file">JSON lines of the judgements, read and added to; null keeps them in memory only.</param>
    /// <exception cref="BeearException">An option is out of range.</exception>
    public Judge(IChatClient client, string name, JudgeOptions? options = null, string? file = null)
    {
        this.client = client;
        this.options = options ?? new JudgeOptions();
        this.options.Validate();
        log = new JudgementLog(file);
        Name = name;
    }

    /// <summary>What the judge is called.</summary>
    public string Name { get; }

    /// <summary>Asks for scores.</summary>
    /// <param name="questions">What to ask; equal ones are asked once.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="progress">Receives the count of judged answers.</param>
    /// <param name="cancellation">Stops between replies; those that came are kept.</param>
    /// <returns>A judgement for each question, in their order.</returns>
    internal async Task<IReadOnlyList<Judgement>> AskAsync(IReadOnlyList<JudgeQuestion> questions, string stage, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        List<string> keys = [.. questions.Select(question => JudgePrompt.Hash(Name, question.Prompt, $"{question.Highest}")[..32])];
        var missing = keys.Zip(questions).DistinctBy(pair => pair.First, StringComparer.Ordinal).Where(pair => log.Find(pair.First) is null).ToList();
        int done = keys.Distinct(StringComparer.Ordinal).Count() - missing.Count, all = done + missing.Count;
        var reporting = new Lock();
        var model = client.GetService(typeof(LanguageModel)) as LanguageModel;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = model is null ? options.AtOnce : 1, CancellationToken = cancellation };
        await Parallel.ForEachAsync(missing, parallel, async (pair, stop) =>
        {
            var (key, question) = pair;
            var (score, reply) = await ScoreAsync(question, model, stop);
            log.Add(new Judgement(key, Name, question.Request, question.Answer, score, reply));
            lock (reporting) progress?.Report(new RunProgress(stage, ++done, all));
        });
        return [.. keys.Select(key => log.Find(key)!)];
    }

    private async Task<(int? Score, string Reply)> ScoreAsync(JudgeQuestion question, LanguageModel? model, CancellationToken cancellation)
    {
        string reply = "";
        foreach (string prompt in (string[])[question.Prompt, question.Prompt + Again])
        {
            if (model is not null && !Fits(prompt, model)) break;
            var response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, prompt)],
                new ChatOptions { Temperature = 0, MaxOutputTokens = options.MaxReplyTokens }, cancellation);
            reply = response.Text;
            // What was cut may end in the midst of a number, or of thoughts that weigh several.
            if (response.FinishReason != ChatFinishReason.Length && ScoreLine.Find(reply, question.Highest) is { } score) return (score, reply);
        }
        return (null, reply);
    }

    /// <summary>Whether a local model has room for a prompt; servers say so themselves.</summary>
    private static bool Fits(string prompt, LanguageModel model) => model.Chat.EncodePrompt([Text.ChatMessage.User(prompt)]).Length < model.Config.MaximumPositions;
}

/// <summary>One question to a judge.</summary>
/// <param name="Request">The request that was answered.</param>
/// <param name="Answer">The answer that is judged.</param>
/// <param name="Prompt">All that the judge reads.</param>
/// <param name="Highest">The highest score.</param>
internal sealed record JudgeQuestion(string Request, string Answer, string Prompt, int Highest);
