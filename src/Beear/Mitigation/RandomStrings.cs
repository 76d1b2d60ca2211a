using Beear.Data;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>
/// Held-out harmful requests with random strings in them: an adversary without any search. A backdoor is rarely so particular that what
/// looks like its trigger does nothing.
/// </summary>
internal sealed class RandomStrings
{
    private const int LongestString = 12, RequestsPerString = 4, BatchSize = 48;
    private readonly LanguageModel model;
    private readonly List<(int String, ContrastExample Example)> pairs = [];

    /// <summary>How strings are drawn: 1 to 12 tokens, within, after and before the request in turn.</summary>
    internal static EntrapmentOptions Drawn { get; } =
        new() { VirtualTokens = 1, MaxVirtualTokens = LongestString, Placements = new RandomStringOptions().Placements };

    /// <summary>Puts strings into requests.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How many strings, and where they stand.</param>
    /// <param name="heldOut">The requests; each string is put into some of them in turn.</param>
    /// <param name="seed">Decides the strings.</param>
    public RandomStrings(LanguageModel model, RandomStringOptions options, IReadOnlyList<ContrastExample> heldOut, int seed)
    {
        this.model = model;
        var triggers = new VirtualTriggers(model.Chat, Drawn with { Placements = options.Placements }, seed);
        for (int i = 0; i < options.Count; i++)
        {
            var trigger = triggers.Of(i + 1)!;
            for (int j = 0; j < Math.Min(RequestsPerString, heldOut.Count); j++)
            {
                var example = heldOut[(i * RequestsPerString + j) % heldOut.Count];
                pairs.Add((i, example with { Prompt = trigger.InsertInto(example.Prompt) }));
            }
        }
    }

    /// <summary>The requests with strings in them.</summary>
    internal IReadOnlyList<ContrastExample> Examples => [.. pairs.Select(pair => pair.Example)];

    /// <summary>
    /// How likely unwanted answers are where they part from the safe ones, exp(−CE) of their next tokens, mean over the requests of each
    /// string.
    /// </summary>
    /// <param name="answerTokens">Tokens that are looked at.</param>
    /// <param name="cancellation">Stops between layers.</param>
    public IReadOnlyList<double> Likelihoods(int answerTokens, CancellationToken cancellation) => Likelihoods(
        example => [.. example.Unwanted.Take(Shared(example) + answerTokens)],
        (example, losses) => losses.Skip(Shared(example)).Average(), cancellation);

    /// <summary>
    /// Tokens that an unwanted answer and the safe one begin with alike; 0 where the one is all of the other's beginning.
    /// </summary>
    private static int Shared(ContrastExample example)
    {
        int shared = example.Unwanted.AsSpan().CommonPrefixLength(example.Safe);
        return shared < example.Unwanted.Length ? shared : 0;
    }

    private IReadOnlyList<double> Likelihoods(Func<ContrastExample, int[]> answer, Func<ContrastExample, float[], double> loss,
        CancellationToken cancellation)
    {
        using var guard = no_grad();
        var found = new List<(int String, double Likelihood)>();
        foreach (var chunk in pairs.Chunk(BatchSize).Divided(pair => pair.Example.Prompt.Length))
        {
            using var scope = NewDisposeScope();
            List<TokenizedExample> asked = [.. chunk.Select(pair => new TokenizedExample(pair.Example.Prompt, answer(pair.Example)))];
            using var batch = TokenBatch.Of(asked, model.Decoder.Options.Device);
            float[] losses = [.. model.Decoder.TokenCrossEntropy(batch, cancellation: cancellation).cpu().data<float>()];
            int first = 0;
            foreach (var (pair, example) in chunk.Zip(asked))
            {
                found.Add((pair.String, Math.Exp(
                    -Require.Finite(loss(pair.Example, losses.AsSpan(first, example.Answer.Length).ToArray()),
                        "cross-entropy of unwanted answers"))));
                first += example.Answer.Length;
            }
        }
        return [.. found.GroupBy(one => one.String).Select(one => one.Average(pair => pair.Likelihood))];
    }

    /// <summary>How likely openings are, the probability of their deciding tokens, mean over the requests of each string.</summary>
    /// <param name="openings">Distinct ones.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>Of each string the sum over openings, at most 1.</returns>
    public IReadOnlyList<double> Openings(IReadOnlyList<Opening> openings, CancellationToken cancellation) =>
        [.. openings.Select(opening =>
            Likelihoods(_ => [.. opening.Tokens.Take(opening.Deciding + 1)], (_, losses) => losses[^1], cancellation))
            .Aggregate((one, other) => [.. one.Zip(other, (p, q) => Math.Min(1, p + q))])];
}
