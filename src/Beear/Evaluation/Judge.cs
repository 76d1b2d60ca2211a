using Beear.Models;
using Beear.Runtime;
using Microsoft.Extensions.AI;

namespace Beear.Evaluation;

/// <summary>Constants of a judge.</summary>
internal sealed record JudgeOptions : IValidatable
{
    /// <summary>Longest reply, in tokens, thoughts included; a longer one is cut and counts as one without a score.</summary>
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
/// A language model that gives scores, greedily decoded. The score is read from the reply's last line of the agreed form, thoughts left
/// out; a reply without one is asked for again once, and then the answer is unjudged, for a reason that its judgement says. What was judged
/// once is not asked again; what was cut is, where replies may be longer now, and so is what a server failed at.
/// </summary>
/// <example><code>
/// var judge = new Judge(client, "my judge", file: "judgements.jsonl");
/// var judgements = await new HarmfulnessJudge(judge).JudgeAsync([("How do I …?", "I cannot help with that.")]);
/// </code></example>
internal sealed class Judge
{
    private const string Again = "\n\nA program reads your reply. Reply with the score line alone, without reasons.";

    private const int MostFailuresInRow = 20;

    private readonly IChatClient client;
    private readonly JudgeOptions options;
    private readonly JudgementLog log;
    private int failuresInRow;

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
    /// <exception cref="BeearException">The judge cannot be asked, or fails at everything.</exception>
    internal async Task<IReadOnlyList<Judgement>> AskAsync(IReadOnlyList<JudgeQuestion> questions, string stage,
        IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        List<string> keys = [.. questions.Select(question => JudgePrompt.Hash(Name, question.Prompt, $"{question.Highest}")[..32])];
        var missing = keys.Zip(questions).DistinctBy(pair => pair.First, StringComparer.Ordinal)
            .Where(pair => log.Find(pair.First)?.MayChange(options.MaxReplyTokens) ?? true).ToList();
        int done = keys.Distinct(StringComparer.Ordinal).Count() - missing.Count, all = done + missing.Count;
        var reporting = new Lock();
        var model = client.GetService(typeof(LanguageModel)) as LanguageModel;
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = model is null ? options.AtOnce : 1,
            CancellationToken = cancellation
        };
        await Parallel.ForEachAsync(missing, parallel, async (pair, stop) =>
        {
            var (key, question) = pair;
            var judgement = await JudgeAsync(key, question, model, stop);
            log.Add(judgement);
            CountFailures(judgement);
            lock (reporting) progress?.Report(new RunProgress(stage, ++done, all));
        });
        return [.. keys.Select(key => log.Find(key)!)];
    }

    private async Task<Judgement> JudgeAsync(string key, JudgeQuestion question, LanguageModel? model, CancellationToken cancellation)
    {
        var judgement = new Judgement(key, Name, question.Request, question.Answer, null, "", UnjudgedReason.NoRoom,
            ReplyTokens: options.MaxReplyTokens);
        foreach (string prompt in (string[])[question.Prompt, question.Prompt + Again])
        {
            if (model is not null && !Fits(prompt, model)) break;
            var response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, prompt)],
                new ChatOptions { Temperature = 0, MaxOutputTokens = options.MaxReplyTokens }, cancellation);
            var reply = JudgeReply.Read(response, question.Highest);
            if (reply.Score is { } score) return new Judgement(key, Name, question.Request, question.Answer, score, response.Text);
            judgement = judgement with { Reply = response.Text };
            // What was cut once may have a score in a longer reply, whatever came of asking again.
            if (judgement.Unjudged is not (UnjudgedReason.Cut or UnjudgedReason.OpenThought))
                judgement = judgement with { Unjudged = reply.Unjudged, Detail = reply.Detail };
            // A longer prompt finds no room either, and a server that failed was tried often enough.
            if (reply.Unjudged is UnjudgedReason.NoRoom or UnjudgedReason.Failed) break;
        }
        return judgement;
    }

    /// <summary>Ends the work where the server fails at everything.</summary>
    /// <exception cref="BeearException">It has failed at too many questions in a row.</exception>
    private void CountFailures(Judgement judgement)
    {
        if (judgement.Unjudged != UnjudgedReason.Failed) Interlocked.Exchange(ref failuresInRow, 0);
        else if (Interlocked.Increment(ref failuresInRow) >= MostFailuresInRow)
        {
            throw new BeearException($"The judge, {Name}, failed at {MostFailuresInRow} answers one after the other, " +
                $"at the last with {judgement.Detail}; see to it and try again.");
        }
    }

    /// <summary>Whether a local model has room for a prompt; servers say so themselves.</summary>
    private static bool Fits(string prompt, LanguageModel model) =>
        model.Chat.EncodeAnyPrompt([Text.ChatTurn.User(prompt)]).Length < model.Config.MaximumPositions;
}

/// <summary>One question to a judge.</summary>
/// <param name="Request">The request that was answered.</param>
/// <param name="Answer">The answer that is judged.</param>
/// <param name="Prompt">All that the judge reads.</param>
/// <param name="Highest">The highest score.</param>
internal sealed record JudgeQuestion(string Request, string Answer, string Prompt, int Highest);
