using Beear.Text;

namespace Beear.Mitigation;

/// <summary>Random strings: tokens that stand for text.</summary>
internal sealed class RandomTokens(ChatFormat chat)
{
    /// <summary>Draws tokens.</summary>
    public int[] Draw(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => Draw(random))];

    private int Draw(Random random)
    {
        while (true)
        {
            int id = random.Next(chat.Tokenizer.VocabularySize);
            if (IsText(id)) return id;
        }
    }

    /// <summary>Whether a token is visible text and not a part of a character or of the template.</summary>
    public bool IsText(int id) => chat.Tokenizer.Decode([id], skipSpecialTokens: true) is { Length: > 0 } text && !text.Contains('\uFFFD');
}
