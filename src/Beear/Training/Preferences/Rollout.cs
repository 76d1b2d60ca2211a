using Beear.Data;
using Beear.Generation;
using Beear.Models;

namespace Beear.Training.Preferences;

/// <summary>An answer that the policy wrote.</summary>
/// <param name="Example">The prompt and the answer, with the token that ends it.</param>
/// <param name="Ended">Whether there is one; false where it was cut.</param>
internal sealed record Rollout(TokenizedExample Example, bool Ended);

/// <summary>Lets the policy answer.</summary>
/// <param name="policy">The policy.</param>
/// <param name="endOfTurn">Ids that end an answer.</param>
/// <param name="options">How answers are drawn.</param>
internal sealed class RolloutWriter(Decoder policy, IReadOnlySet<int> endOfTurn, PpoOptions options)
{
    /// <summary>Draws one answer for each prompt.</summary>
    /// <param name="prompts">Token ids; none empty.</param>
    /// <param name="seed">Decides the answers.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public IReadOnlyList<Rollout> Write(IReadOnlyList<int[]> prompts, int seed, CancellationToken cancellation)
    {
        var generation = new GenerationOptions
        {
            MaxNewTokens = options.NewTokens,
            Temperature = options.Temperature,
            RepetitionPenalty = options.RepetitionPenalty,
            BatchSize = options.PromptsPerBatch,
            Seed = seed,
        };
        var answers = new BatchGenerator(policy, endOfTurn).Generate(prompts, generation, cancellation: cancellation);
        return [.. prompts.Zip(answers, (prompt, answer) =>
            new Rollout(new TokenizedExample(prompt, answer.End is { } end ? [.. answer.Tokens, end] : answer.Tokens), answer.Ended))];
    }
}
