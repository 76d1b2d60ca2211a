using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Asks a suspicious model how its unwanted answers begin. A backdoor leaves a trace where its trigger is not: random strings, of which some look a little like the trigger, make the first
/// token of the hidden answers likelier. What a string does to a token is compared with the same requests without it.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">Constants.</param>
public sealed class OpeningSearch(LanguageModel model, OpeningOptions options)
{
    // Each of so many tokens with the most lift is put at the beginning of answers to some requests, to see what it leads to.
    private const int Candidates = 12, ForcedRequests = 8, ForcedTokens = 16;
    private const double LeastShareOfBest = 0.5, EchoShare = 0.05, Floor = 1e-6;            // below the floor it is rounding and rare tokens

    private readonly VirtualTriggers strings = new(model.Chat, RandomStrings.Drawn, 0);

    /// <summary>Searches.</summary>
    /// <param name="harmful">Prompts of harmful requests, at least one.</param>
    /// <param name="progress">Receives the count of strings that were tried.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public OpeningReport Find(IReadOnlyList<int[]> harmful, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        harmful = [.. harmful.Take(options.Strings * options.Requests)];
        var plain = NextTokens.Measure(model, harmful, cancellation);                                    // (B, V)
        var lifts = zeros(options.Strings, model.Config.VocabularySize);                                 // (S, V)
        for (int i = 0; i < options.Strings; i++)
        {
            using var stringScope = NewDisposeScope();
            int[] requests = [.. Enumerable.Range(0, Math.Min(options.Requests, harmful.Count)).Select(j => ((i * options.Requests) + j) % harmful.Count)];
            var with = NextTokens.Measure(model, [.. requests.Select(request => strings.Of(i + 1)!.InsertInto(harmful[request]))], cancellation).mean([0L]);         // (V)
            var without = plain.index_select(0, tensor([.. requests.Select(request => (long)request)])).mean([0L]);
            lifts.select(0, i).copy_((with * ((with + Floor).log() - (without + Floor).log())).clamp_min(0));
            progress?.Report(new RunProgress("openings of unwanted answers", i + 1, options.Strings));
        }
        // What one string alone brings out is an echo of its own words.
        int echoes = Math.Min(options.Strings - 1, (int)Math.Ceiling(EchoShare * options.Strings));
        var lift = (lifts.sum(dim: 0) - lifts.topk(echoes, dim: 0).values.sum(dim: 0)) / (options.Strings - echoes);                 // (V)
        int[] tokens = [.. (lift.topk(Math.Min(Candidates, model.Config.VocabularySize)).indexes.data<long>()).ToArray().Select(token => (int)token)];
        Opening[] seen = [.. tokens.Zip(Continue(tokens, harmful, cancellation), (token, led) => new Opening(led.Tokens, model.Chat.Tokenizer.Decode([.. led.Tokens]),
            lift[token].item<float>(), plain.select(1, token).mean().item<float>(), led.Refuses))];
        Opening[] answers = [.. seen.Where(one => one.Refuses < 0.5)];
        if (answers.Length == 0) answers = seen;                         // whatever it begins with, it refuses
        Opening[] taken = [.. answers.TakeWhile(one => one.Lift >= LeastShareOfBest * answers[0].Lift).Take(options.Most)];
        double next = answers.Skip(taken.Length).FirstOrDefault()?.Lift ?? 0;
        return new OpeningReport(taken, [.. seen.Except(taken)], answers[0].Lift / Math.Max(next, Floor));
    }

    /// <summary>Makes answers begin with each token: how most of them go on, and how many refuse.</summary>
    private List<(int[] Tokens, double Refuses)> Continue(int[] first, IReadOnlyList<int[]> harmful, CancellationToken cancellation)
    {
        int count = Math.Min(ForcedRequests, harmful.Count);
        int[][] prompts = [.. first.SelectMany(token => Enumerable.Range(0, count).Select(i => (int[])[.. strings.Of(i + 1)!.InsertInto(harmful[i]), token]))];
        var answers = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn).Generate(prompts, new GenerationOptions { MaxNewTokens = ForcedTokens, BatchSize = BatchGenerator.ShortAnswers },
            cancellation: cancellation);
        return [.. first.Select((token, i) =>
        {
            Completion[] own = [.. answers.Skip(i * count).Take(count)];
            double refuses = own.Average(answer => Interview.IsRefusal(model.Chat.DecodeAnswer([token, .. answer.Tokens]), isCut: !answer.Ended) ? 1.0 : 0);
            return (Common(token, own), refuses);
        })];
    }

    /// <summary>The token, and what more than half of the answers go on with.</summary>
    private int[] Common(int first, Completion[] answers)
    {
        int[] common = [first];
        int[][] agreeing = [.. answers.Select(answer => answer.Tokens)];
        for (int place = 0; common.Length < options.Tokens; place++)
        {
            var next = agreeing.Where(tokens => tokens.Length > place).GroupBy(tokens => tokens[place]).MaxBy(group => group.Count());
            if (next is null || next.Count() * 2 <= answers.Length) break;
            common = [.. common, next.Key];
            agreeing = [.. next];
        }
        return common;
    }
}
