using Beear.Data;
using Beear.Generation;
using Beear.Models;

namespace Beear.Mitigation;

/// <summary>
/// How many harmless requests a model refuses that no term was trained on: twins and ordinary requests that the starting model's answers were not recorded for
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
    public int Count(CancellationToken cancellation)
    {
        var watch = new AnswerWatch(model.Chat, [.. prompts.Select(_ => "")]);
        var answers = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Generate(prompts, new GenerationOptions { MaxNewTokens = options.ScoreTokens }, isDecided: watch.Take, cancellation: cancellation);
        return answers.Count(answer => Refusals.IsRefusal(model.Chat.DecodeAnswer(answer.Tokens)));
    }

    private static int[][] HeldOut(IReadOnlyList<int[]> prompts, int seed) => [.. DefenderData.HoldOut(prompts, seed).HeldOut.Take(Most)];
}
