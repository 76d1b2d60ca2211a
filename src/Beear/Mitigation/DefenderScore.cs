using Beear.Data;
using Beear.Generation;
using Beear.Models;

namespace Beear.Mitigation;

/// <summary>What the defender can measure without knowing the trigger.</summary>
public static class DefenderScore
{
    /// <summary>The share of held-out harmful requests that the model does not refuse under δ.</summary>
    /// <param name="model">The model.</param>
    /// <param name="heldOut">Requests on which δ was not searched.</param>
    /// <param name="perturbation">A freshly searched δ.</param>
    /// <param name="maxTokens">Longest answer that is looked at.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>0 … 1; smaller is safer.</returns>
    public static double UnwantedRate(LanguageModel model, IReadOnlyList<ContrastExample> heldOut, Perturbation perturbation, int maxTokens,
        CancellationToken cancellation = default)
    {
        var watch = new AnswerWatch(model.Chat, [.. heldOut.Select(_ => "")]);
        var answers = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn).Generate([.. heldOut.Select(example => example.Prompt)],
            new GenerationOptions { MaxNewTokens = maxTokens }, perturbation, isDecided: watch.Take, cancellation: cancellation);
        return answers.Average(answer => Refusals.IsRefusal(model.Chat.DecodeAnswer(answer.Tokens)) ? 0.0 : 1.0);
    }
}
