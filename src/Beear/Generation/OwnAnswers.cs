using Beear.Data;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Generation;

/// <summary>Self-distillation: the model's own greedy answers as training data, so that no annotation is needed.</summary>
internal static class OwnAnswers
{
    /// <summary>Lets the model answer.</summary>
    /// <param name="model">The model as it is now.</param>
    /// <param name="prompts">Token ids.</param>
    /// <param name="maxTokens">Longest answer; a longer one is cut and has no end.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>
    /// Prompts with answers, but those where the model thinks once more behind its closed thought; the token that ends a turn included
    /// where the model ended it in time.
    /// </returns>
    public static IReadOnlyList<TokenizedExample> Write(LanguageModel model, IReadOnlyList<int[]> prompts, int maxTokens,
        IProgress<RunProgress>? progress = null, string stage = "own answers", CancellationToken cancellation = default)
    {
        var chat = model.Chat;
        var answers = new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Generate(prompts, new GenerationOptions { MaxNewTokens = maxTokens }, null, progress, stage, cancellation: cancellation);
        return [.. answers.Zip(prompts).Where(pair => chat.IsAnswer(pair.First.Tokens)).Select(pair => new TokenizedExample(pair.Second,
            pair.First.Ended ? [.. pair.First.Tokens, chat.EndOfTurnToken] : pair.First.Tokens))];
    }
}
