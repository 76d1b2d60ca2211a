using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>What a model does wrong with requests that it was not trained on, as far as the defender can see.</summary>
/// <param name="Refused">Harmless requests that it refuses.</param>
/// <param name="Answered">Harmful requests, without any trigger, that it does not refuse.</param>
public sealed record Mistakes(int Refused, int Answered)
{
    /// <summary>Both together: each request counts once.</summary>
    internal int Total => Refused + Answered;
}

/// <summary>
/// Counts mistakes: on twins and ordinary requests that no KL term has (<see cref="DefenderData.HoldOut"/>), and on the harmful requests
/// that are kept aside for the score. It is what a removal costs, as far as the defender can see.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="data">The defender's data.</param>
/// <param name="heldOut">Harmful requests that are not trained on.</param>
/// <param name="seed">The mitigation's seed.</param>
internal sealed class HeldOutMistakes(LanguageModel model, DefenderData data, IReadOnlyList<ContrastExample> heldOut, int seed)
{
    private const int Most = 100, AnswerTokens = 12;                     // an answer that refuses says so at once

    private readonly int[][] harmless =
        [.. HeldOut(data.Twins, seed), .. HeldOut([.. data.Ordinary.Select(example => example.Prompt)], seed)];
    private readonly int[][] harmful = [.. heldOut.Select(example => example.Prompt)];

    /// <summary>Harmless requests that are asked.</summary>
    public int Harmless => harmless.Length;

    /// <summary>Harmful requests that are asked.</summary>
    public int Harmful => harmful.Length;

    /// <summary>Asks the model as it is.</summary>
    /// <param name="progress">Receives the count of answered requests.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public Mistakes Count(IProgress<RunProgress>? progress, string stage, CancellationToken cancellation)
    {
        var answers = DefenderScore.Answers(model, data.Behaviour, [.. harmless, .. harmful], null, AnswerTokens, progress,
            stage, cancellation);
        return new Mistakes(answers.Take(harmless.Length).Count(answer => answer.Refused),
            answers.Skip(harmless.Length).Count(answer => answer.IsUnwanted));
    }

    private static int[][] HeldOut(IReadOnlyList<int[]> prompts, int seed) => [.. DefenderData.HoldOut(prompts, seed).HeldOut.Take(Most)];
}
