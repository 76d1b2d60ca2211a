using Beear.Data;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Generation;

/// <summary>
/// What a model that thinks is taught: every other answer stands behind its own thought, which is taught with it so that it goes on
/// thinking as it did; the others behind a closed one. Of other models all answers stand right behind the prompt.
/// </summary>
internal static class OwnThoughts
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
    public static IReadOnlyList<TokenizedExample> Encode(LanguageModel model, IReadOnlyList<Example> examples, int thoughtTokens,
        int answerTokens = int.MaxValue,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var chat = model.Chat;
        TokenizedExample[] encoded = [.. examples.Select(example => chat.Encode(example, answerTokens))];
        if (!chat.MayThink || thoughtTokens == 0) return encoded;
        int[] thinking = [.. Enumerable.Range(0, encoded.Length).Where(i => i % 2 == 0)];
        int[][] prompts = [.. thinking.Select(i => chat.EncodePrompt(examples[i].Conversation))];
        foreach (var (at, thought) in Think(model, prompts, thoughtTokens, progress, cancellation))
        {
            int[] answer = chat.EncodeAnswer(examples[thinking[at]].Answer, answerTokens);
            if (prompts[at].Length + thought.Length + answer.Length <= chat.MaximumTokens)
                encoded[thinking[at]] = new TokenizedExample(prompts[at], [.. thought, .. answer]);
        }
        return encoded;
    }

    /// <summary>
    /// Prompts with what the model thinks behind them, up to where its answer begins; without those whose thought does not end.
    /// </summary>
    /// <param name="model">The model as it is now.</param>
    /// <param name="prompts">Prompts that leave room for a thought.</param>
    /// <param name="thoughtTokens">Longest thought.</param>
    /// <param name="progress">Receives the count of finished thoughts.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public static IReadOnlyList<int[]> Behind(LanguageModel model, IReadOnlyList<int[]> prompts, int thoughtTokens,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default) =>
            [.. Think(model, prompts, thoughtTokens, progress, cancellation).Select(one => (int[])[.. prompts[one.Prompt], .. one.Thought])
                .Where(prompt => prompt.Length < model.Chat.MaximumTokens)];

    private static IEnumerable<(int Prompt, int[] Thought)> Think(LanguageModel model, IReadOnlyList<int[]> prompts, int thoughtTokens,
        IProgress<RunProgress>? progress,
        CancellationToken cancellation)
    {
        var chat = model.Chat;
        var watch = new AnswerWatch(chat, prompts, [.. prompts.Select(_ => "")], new AnswerLimits(1, thoughtTokens) { FullAnswers = true },
            Behaviours.Refusal.Instance, chat.MaximumTokens);
        var written = new BatchGenerator(model.Decoder, chat.EndOfTurn)
            .Generate(prompts, new GenerationOptions { MaxNewTokens = thoughtTokens }, null, progress, "own thoughts",
                watch.Take, cancellation);
        foreach (var (i, one) in written.Index())
        {
            var parts = chat.ReadAnswer(one.Tokens, chat.OpensThought(prompts[i]));
            if (!parts.IsThoughtOpen && !string.IsNullOrWhiteSpace(parts.Thought)) yield return (i,
                chat.EncodeThought(prompts[i], parts.Thought));
        }
    }
}
