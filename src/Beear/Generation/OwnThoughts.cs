using Beear.Data;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Generation;

/// <summary>
/// What a model that thinks is taught: every other answer stands behind its own thought, which is taught with it so that it goes on thinking as it did; the others behind a closed
/// one. Of other models all answers stand right behind the prompt.
/// </summary>
public static class OwnThoughts
{
    /// <summary>Encodes examples.</summary>
    /// <param name="model">The model as it is now.</param>
    /// <param name="examples">Conversations with their answers.</param>
    /// <param name="thoughtTokens">Longest own thought; one that does not end within it is replaced by a closed one. 0 for none.</param>
    /// <param name="answerTokens">Longest answer.</param>
    /// <param name="progress">Receives the count of finished thoughts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    /// <returns>An example for each, in their order.</returns>
    /// <exception cref="BeearException">The template refuses a conversation, or it leaves no room for an answer.</exception>
    public static IReadOnlyList<TokenizedExample> Encode(LanguageModel model, IReadOnlyList<Example> examples, int thoughtTokens, int answerTokens = int.MaxValue,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var chat = model.Chat;
        TokenizedExample[] encoded = [.. examples.Select(example => chat.Encode(example, answerTokens))];
        if (!chat.MayThink || thoughtTokens == 0) return encoded;
        int[] thinking = [.. Enumerable.Range(0, encoded.Length).Where(i => i % 2 == 0)];
        int[][] prompts = [.. thinking.Select(i => chat.EncodePrompt(examples[i].Conversation))];
        var thoughts = new BatchGenerator(model.Decoder, chat.EndOfTurn).Generate(prompts, new GenerationOptions { MaxNewTokens = thoughtTokens }, null, progress, "own thoughts",
            new AnswerWatch(chat, prompts, [.. prompts.Select(_ => "")], new AnswerLimits(1, thoughtTokens) { FullAnswers = true }).Take, cancellation);
        foreach (var (at, i) in thinking.Index())
        {
            var parts = chat.ReadAnswer(thoughts[at].Tokens, chat.OpensThought(prompts[at]));
            if (parts.IsThoughtOpen || string.IsNullOrWhiteSpace(parts.Thought)) continue;
            int[] thought = chat.EncodeThought(prompts[at], parts.Thought), answer = chat.EncodeAnswer(examples[i].Answer, answerTokens);
            if (prompts[at].Length + thought.Length + answer.Length <= chat.MaximumTokens) encoded[i] = new TokenizedExample(prompts[at], [.. thought, .. answer]);
        }
        return encoded;
    }
}
