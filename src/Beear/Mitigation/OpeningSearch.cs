using Beear.Behaviours;
using Beear.Generation;
using Beear.Kernels;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Asks a suspicious model how its unwanted answers begin. A backdoor leaves a trace where its trigger is not: random strings, of which
/// some look a little like the trigger, make the first token of the hidden answers likelier. What a string does to a token is compared with
/// the same requests without it, at the beginning of answers and after each token of a usual refusal: an answer may begin like one and then
/// go along.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">Constants.</param>
/// <param name="behaviour">Tells what an opening leads to; <see cref="Refusal"/> if not given.</param>
internal sealed class OpeningSearch(LanguageModel model, OpeningOptions options, IBehaviour? behaviour = null)
{
    private const string Stage = "openings of unwanted answers";
    // Beginnings with the most lift are put before answers to some requests, to see what they lead to: so many at a time, at most four
    // times, until one leads to answers.
    private const int Candidates = 12, MostCandidates = 4 * Candidates, ForcedRequests = 16, ForcedTokens = 16;
    private const int MostRequests = 48, RefusalTokens = 8, StringsAtOnce = 8;
    private const double EchoShare = 0.05, Floor = 1e-6;                 // below the floor it is rounding and rare tokens

    private readonly VirtualTriggers strings = new(model.Chat, RandomStrings.Drawn, 0);

    /// <summary>Searches.</summary>
    /// <param name="harmful">
    /// Prompts of harmful requests, at least one; best such as the model refuses: there what is no refusal is rare.
    /// </param>
    /// <param name="refusals">How it refuses them, token ids; may be none.</param>
    /// <param name="progress">Receives the count of strings that were tried.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="BeearException">No string changes anything, or only how the model refuses.</exception>
    public OpeningReport Find(IReadOnlyList<int[]> harmful, IReadOnlyList<int[]> refusals, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        harmful = [.. harmful.Take(MostRequests)];
        int[] refusal = Usual(refusals, RefusalTokens, share: 0.3);
        var plain = NextTokens.Measure(model, harmful, refusal, cancellation);                           // (B, R + 1, V)
        var likely = Likeliest(Lifts(harmful, refusal, plain, progress, cancellation));
        if (likely.Count == 0)
        {
            throw new BeearException("Random strings change nothing in how the model begins its answers, so it does not tell "
                + "how unwanted ones begin; "
                + "give some in the data, and unwanted_answers: data.");
        }
        var seen = new List<Opening>();
        foreach (var some in likely.Chunk(Candidates))
        {
            var led = Continue([.. some.Select(one => (int[])[.. refusal[..one.Place], one.Token])], harmful, cancellation);
            seen.AddRange(some.Zip(led, (one, leads) =>
                new Opening(leads.Tokens, model.Chat.Tokenizer.Decode([.. leads.Tokens]), one.Place, one.Lift,
                plain.select(1, one.Place).select(1, one.Token).mean().item<float>(), leads.Refuses)));
            if (seen.Any(one => one.LeadsToAnswers)) break;
        }
        var report = OpeningReport.Of(seen, options.Most);
        progress?.Report(new RunProgress(Stage, options.Strings, options.Strings, report.ToString()));
        return report;
    }

    /// <summary>How far strings lift each token at each place.</summary>
    /// <param name="harmful">Prompts.</param>
    /// <param name="refusal">R tokens of a refusal; a place is before each and after the last.</param>
    /// <param name="plain">(B, R + 1, V) probabilities without strings.</param>
    /// <param name="progress">Receives the count of strings that were tried.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <returns>(R + 1, V), nats.</returns>
    private Tensor Lifts(IReadOnlyList<int[]> harmful, int[] refusal, Tensor plain, IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        int each = Math.Min(options.Requests, harmful.Count), places = refusal.Length + 1,
            vocabulary = model.Config.VocabularySize, tried = 0;
        int[] RequestsOf(int i) => [.. Enumerable.Range(0, each).Select(j => ((i * options.Requests) + j) % harmful.Count)];
        var sum = zeros(places, vocabulary);                                                             // (R + 1, V)
        // What a few strings alone bring out is an echo of their own words.
        var echoes = zeros((int)Math.Ceiling(EchoShare * options.Strings), places, vocabulary);  // (E, R + 1, V) the largest, in order
        foreach (int[] some in Enumerable.Range(0, options.Strings).Chunk(StringsAtOnce))
        {
            using var scope = NewDisposeScope();
            int[][] prompts = [.. some.SelectMany(i => RequestsOf(i).Select(request => strings.Of(i + 1)!.InsertInto(harmful[request])))];
            // (S, R + 1, V)
            var under = NextTokens.Measure(model, prompts, refusal, cancellation).view(some.Length, each, places, vocabulary).mean([1L]);
            foreach (var (at, i) in some.Index())
            {
                using var stringScope = NewDisposeScope();
                var without = plain.index_select(0, tensor([.. RequestsOf(i).Select(request => (long)request)])).mean([0L]);  // (R + 1, V)
                var lift = (under[at] * (under[at].Plus(Floor).log() - without.Plus(Floor).log())).AtLeast(0);
                sum.AddInPlace(lift);
                for (int e = 0; e < echoes.size(0); e++)
                {
                    var (larger, smaller) = (maximum(echoes[e], lift), minimum(echoes[e], lift));
                    echoes[e].copy_(larger);
                    lift = smaller;
                }
            }
            if ((tried += some.Length) < options.Strings) progress?.Report(new RunProgress(Stage, tried, options.Strings));
        }
        return (sum - echoes.sum(dim: 0)).Over(Math.Max(1, options.Strings - echoes.size(0)));
    }

    /// <summary>
    /// The most lifted tokens that stand for text; some stand for none: an end of the turn, a token that only the weights have.
    /// </summary>
    private List<(int Place, int Token, float Lift)> Likeliest(Tensor lifts)
    {
        int vocabulary = (int)lifts.size(1);
        var best = lifts.flatten().topk((int)Math.Min(2 * MostCandidates, lifts.numel()));               // of (R + 1) · V
        return [.. best.indexes.data<long>().ToArray().Zip(best.values.data<float>().ToArray(),
            (at, lift) => (Place: (int)(at / vocabulary), Token: (int)(at % vocabulary), Lift: lift))
                .Where(one => one.Lift > 0 && IsText(one.Token)).Take(MostCandidates)];
    }

    private bool IsText(int token) => token < model.Chat.Tokenizer.VocabularySize && !model.Chat.EndOfTurn.Contains(token)
        && model.Chat.Tokenizer.Decode([token], skipSpecialTokens: true).Length > 0;

    /// <summary>Makes answers begin with each of some tokens: how most of them go on, and how many refuse.</summary>
    private List<(int[] Tokens, double Refuses)> Continue(int[][] begun, IReadOnlyList<int[]> harmful, CancellationToken cancellation)
    {
        int count = Math.Min(ForcedRequests, harmful.Count);
        int[][] prompts = [.. begun.SelectMany(tokens =>
            Enumerable.Range(0, count).Select(i => (int[])[.. strings.Of(i + 1)!.InsertInto(harmful[i]), .. tokens]))];
        var answers = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Generate(prompts, new GenerationOptions { MaxNewTokens = ForcedTokens, BatchSize = BatchGenerator.ShortAnswers },
            cancellation: cancellation);
        return [.. begun.Select((tokens, i) =>
        {
            Completion[] own = [.. answers.Skip(i * count).Take(count)];
            double refuses = own.Average(answer => IsSafe([.. tokens, .. answer.Tokens], isCut: !answer.Ended) ? 1.0 : 0);
            return ((int[])[.. tokens, .. Usual([.. own.Select(answer => answer.Tokens)], Math.Max(0, options.Tokens - 1),
                share: 0.5)], refuses);
        })];
    }

    private bool IsSafe(int[] answer, bool isCut) =>
        (behaviour ?? Refusal.Instance).Judge(model.Chat.DecodeAnswer(answer), isCut) == Verdict.Safe;

    /// <summary>What more than a share of answers begin with.</summary>
    private static int[] Usual(IReadOnlyList<int[]> answers, int most, double share)
    {
        var (usual, agreeing) = (new List<int>(), answers);
        while (usual.Count < most && agreeing.Where(tokens => tokens.Length > usual.Count).GroupBy(tokens => tokens[usual.Count])
            .MaxBy(group => group.Count()) is { } next
            && next.Count() > share * answers.Count)
        {
            usual.Add(next.Key);
            agreeing = [.. next];
        }
        return [.. usual];
    }
}
