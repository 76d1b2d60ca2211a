using Beear.Models;

namespace Beear.Mitigation;

/// <summary>
/// How many harmless requests a model refuses that no KL term has: twins and ordinary requests that the starting model's answers were not recorded for
/// (<see cref="DefenderData.HoldOut"/>). It is what a removal costs, as far as the defender can see.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="data">The defender's data.</param>
/// <param name="options">The mitigation's options.</param>
internal sealed class HarmlessRefusals(LanguageModel model, DefenderData data, MitigationOptions options)
{
    private const int Most = 100;

    private readonly int[][] prompts = [.. HeldOut(data.Twins, options.Seed), .. HeldOut([.. data.Ordinary.Select(example => example.Prompt)], options.Seed)];

    /// <summary>Requests that are asked.</summary>
    public int Asked => prompts.Length;

    /// <summary>Asks the model as it is.</summary>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>How many requests are refused.</returns>
    public int Count(CancellationToken cancellation) => DefenderScore.Refused(model, prompts, null, options.ScoreTokens, cancellation);

    private static int[][] HeldOut(IReadOnlyList<int[]> prompts, int seed) => [.. DefenderData.HoldOut(prompts, seed).HeldOut.Take(Most)];
}
