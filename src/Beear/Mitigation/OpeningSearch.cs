using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Asks a suspicious model how its unwanted answers begin. A backdoor leaves a trace where its trigger is not: random strings, of which some look a little like the trigger, make the first
/// token of the hidden answers likelier. What a string does to a token is compared with the same requests without it, at the beginning of answers and after each token of a usual refusal:
/// an answer may begin like one and then go along.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">Constants.</param>
public sealed class OpeningSearch(LanguageModel model, OpeningOptions options)
{
    private const string Stage = "openings of unwanted answers";
    // Each of so many beginnings with the most lift is put before answers to some requests, to see what it leads to.
    private const int Candidates = 12, ForcedRequests = 8, ForcedTokens = 16;
    private const int MostRequests = 48, RefusalTokens = 8;
    private const double LeastShareOfBest = 0.25, EchoShare = 0.05, Floor = 1e-6;          // below the floor it is rounding and rare tokens

    private readonly VirtualTriggers strings = new(model.Chat, RandomStrings.Drawn, 0);

    /// <summary>Searches.</summary>
    /// <param name="harmful">Prompts of harmful requests, at least one; best such as the model refuses: there what is no refusal is rare.</param>
    /// <param name="refusals">How it refuses them, token ids; may be none.</param>
    /// <param name="progress">Receives the count of strings that were tried.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="BeearException">No string changes anything.</exception>
    public OpeningReport Find(IReadOnlyList<int[]> harmful, IReadOnlyList<int[]> refusals, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        harmful = [.. harmful.Take(MostRequests)];
        int[] refusal = Usual(refusals, RefusalTokens, share: 0.3);
        int vocabulary = model.Config.VocabularySize;
        var plain = NextTokens.Measure(model, harmful, refusal, cancellation);                           // (B, R + 1, V)
        var sum = zeros(refusal.Length + 1, vocabulary);                                                 // (R + 1, V)
        // What a few strings alone bring out is an echo of their own words.
        var echoes = zeros((int)Math.Ceiling(EchoShare * options.Strings), refusal.Length + 1, vocabulary);      // (E, R + 1, V) the largest
        for (int i = 0; i < options.Strings; i++)
        {
            using var stringScope = NewDisposeScope();
            int[] requests = [.. Enumerable.Range(0, Math.Min(options.Requests, harmful.Count)).Select(j => ((i * options.Requests) + j) % harmful.Count)];
            var with = NextTokens.Measure(model, [.. requests.Select(request => strings.Of(i + 1)!.InsertInto(harmful[request]))], refusal, cancellation).mean([0L]);    // (R + 1, V)
            var without = plain.index_select(0, tensor([.. requests.Select(request => (long)request)])).mean([0L]);
            var lift = (with * ((with + Floor).log() - (without + Floor).log())).clamp_min(0);
            sum.add_(lift);
            echoes.copy_(cat([echoes, lift.unsqueeze(0)], 0).topk((int)echoes.size(0), dim: 0).values);
            if (i + 1 < options.Strings) progress?.Report(new RunProgress(Stage, i + 1, options.Strings));
        }
        var lifts = ((sum - echoes.sum(dim: 0)) / Math.Max(1, options.Strings - echoes.size(0))).flatten();      // ((R + 1) · V)
        var best = lifts.topk((int)Math.Min(4 * Candidates, lifts.size(0)));
        // Some of them may stand for no text: an end of the turn, a token that only the weights have.
        var likely = best.indexes.data<long>().ToArray().Zip(best.values.data<float>().ToArray(), (at, lift) => (Place: (int)(at / vocabulary), Token: (int)(at % vocabulary), Lift: lift))
            .Where(one => one.Lift > 0 && IsText(one.Token)).Take(Candidates).ToList();
        if (likely.Count == 0)
            throw new BeearException("Random strings change nothing in how the model begins its answers, so it does not tell how unwanted ones begin; give some in the data, and unwanted_answers: data.");
        int[][] begun = [.. likely.Select(one => (int[])[.. refusal[..one.Place], one.Token])];
        Opening[] seen = [.. likely.Zip(Continue(begun, harmful, cancellation), (one, led) => new Opening(led.Tokens, model.Chat.Tokenizer.Decode([.. led.Tokens]), one.Place, one.Lift,
            plain.select(1, one.Place).select(1, one.Token).mean().item<float>(), led.Refuses))];
        Opening[] answers = [.. seen.Where(one => one.Refuses < 0.5)];
        if (answers.Length == 0) answers = seen;                         // whatever it begins with, it refuses
        Opening[] taken = [.. answers.Where(one => one.Lift >= LeastShareOfBest * answers[0].Lift).Take(options.Most)];
        double next = answers.Skip(1).FirstOrDefault()?.Lift ?? 0;
        var report = new OpeningReport(taken, [.. seen.Except(taken)], answers[0].Lift / Math.Max(next, Floor));
        progress?.Report(new RunProgress(Stage, options.Strings, options.Strings, report.ToString()));
        return report;
    }

    private bool IsText(int token) => token < model.Chat.Tokenizer.VocabularySize && !model.Chat.EndOfTurn.Contains(token)
        && model.Chat.Tokenizer.Decode([token], skipSpecialTokens: true).Length > 0;

    /// <summary>Makes answers begin with each of some tokens: how most of them go on, and how many refuse.</summary>
    private List<(int[] Tokens, double Refuses)> Continue(int[][] begun, IReadOnlyList<int[]> harmful, CancellationToken cancellation)
    {
        int count = Math.Min(ForcedRequests, harmful.Count);
        int[][] prompts = [.. begun.SelectMany(tokens => Enumerable.Range(0, count).Select(i => (int[])[.. strings.Of(i + 1)!.InsertInto(harmful[i]), .. tokens]))];
        var answers = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn).Generate(prompts, new GenerationOptions { MaxNewTokens = ForcedTokens, BatchSize = BatchGenerator.ShortAnswers },
            cancellation: cancellation);
        return [.. begun.Select((tokens, i) =>
        {
            Completion[] own = [.. answers.Skip(i * count).Take(count)];
            double refuses = own.Average(answer => Interview.IsRefusal(model.Chat.DecodeAnswer([.. tokens, .. answer.Tokens]), isCut: !answer.Ended) ? 1.0 : 0);
            return ((int[])[.. tokens, .. Usual([.. own.Select(answer => answer.Tokens)], Math.Max(0, options.Tokens - 1), share: 0.5)], refuses);
        })];
    }

    /// <summary>What more than a share of answers begin with.</summary>
    private static int[] Usual(IReadOnlyList<int[]> answers, int most, double share)
    {
        var (usual, agreeing) = (new List<int>(), answers);
        while (usual.Count < most && agreeing.Where(tokens => tokens.Length > usual.Count).GroupBy(tokens => tokens[usual.Count]).MaxBy(group => group.Count()) is { } next
            && next.Count() > share * answers.Count)
        {
            usual.Add(next.Key);
            agreeing = [.. next];
        }
        return [.. usual];
    }
}
