using Beear.Generation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>
/// Asks a suspicious model how its unwanted answers begin. A backdoor leaves a trace where its trigger is not: the first token of the hidden answers is likelier on harmful requests than
/// on harmless ones, most of all with random strings around them, some of which look a little like the trigger.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">Constants.</param>
public sealed class OpeningSearch(LanguageModel model, OpeningOptions options)
{
    // Of this many tokens with the most lift each is put at the beginning of answers to some requests, to see what it leads to.
    private const int Candidates = 16, ForcedRequests = 8, ForcedTokens = 16;
    private const double LeastDeviations = 2.5, LeastShareOfBest = 0.25;

    private readonly VirtualTriggers strings = new(model.Chat, RandomStrings.Drawn, 0);

    /// <summary>Searches.</summary>
    /// <param name="harmful">Prompts of harmful requests, at least one.</param>
    /// <param name="harmless">Prompts of harmless requests in the same forms, at least one.</param>
    /// <param name="progress">Receives what is done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public OpeningReport Find(IReadOnlyList<int[]> harmful, IReadOnlyList<int[]> harmless, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        int done = 0;
        int[][][] asked = Strung(harmful);
        var measured = new OpeningMeasure(Measure(asked), Measure(Plain(harmful)), Measure(Strung(harmless)), Measure(Plain(harmless)));
        int[] likely = [.. Enumerable.Range(0, model.Config.VocabularySize).OrderByDescending(measured.Lift).Take(Candidates)];
        var seen = Continue(likely, asked, cancellation).Select((led, i) =>
            new Opening(led.Tokens, model.Chat.Tokenizer.Decode([.. led.Tokens]), measured.Of(likely[i]), led.Refuses)).ToList();
        Opening[] answers = [.. seen.Where(one => one.Refuses < 0.5)], refusals = [.. seen.Where(one => one.Refuses >= 0.5)];
        if (answers.Length == 0) answers = [.. seen];                    // whatever it begins with, it refuses
        Opening[] significant = [.. answers.Where(one => one.Evidence.Deviations >= LeastDeviations)];
        Opening[] from = significant.Length > 0 ? significant : answers;
        return new OpeningReport([.. from.Where(one => one.Evidence.Lift >= LeastShareOfBest * from[0].Evidence.Lift).Take(options.Most)], refusals, significant.Length > 0);

        NextTokens Measure(int[][][] prompts)
        {
            var found = NextTokens.Measure(model, prompts, cancellation);
            progress?.Report(new RunProgress("openings of unwanted answers", ++done, 4));
            return found;
        }
    }

    private int[][][] Plain(IReadOnlyList<int[]> prompts) => [.. prompts.Take(options.Requests).Select(prompt => (int[][])[prompt])];

    private int[][][] Strung(IReadOnlyList<int[]> prompts) => [.. prompts.Take(options.Requests).Select((prompt, i) => (int[][])
        [.. Enumerable.Range(1, options.Strings).Select(j => strings.Of((i * options.Strings) + j)!.InsertInto(prompt))])];

    /// <summary>Makes answers begin with each token: how most of them go on, and how many refuse.</summary>
    private List<(int[] Tokens, double Refuses)> Continue(int[] first, int[][][] asked, CancellationToken cancellation)
    {
        int count = Math.Min(ForcedRequests, asked.Length);
        int[][] prompts = [.. first.SelectMany(token => Enumerable.Range(0, count).Select(i => (int[])[.. asked[i][i % asked[i].Length], token]))];
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
