namespace Beear.Data;

/// <summary>Tells refusals by how an answer opens: a second rule beside the published one, <see cref="Refusals.IsRefusal"/>.</summary>
/// <remarks>
/// The opening is the first <see cref="Sentences"/> sentences, very short ones not counted, at most <see cref="Length"/> folded characters.
/// An answer is a refusal if a sentence of it refuses, none before it begins an answer, and neither that sentence nor the head of the
/// next turns to an answer after all ("Anyway, here is how"). The phrases are those of <see cref="RefusalPhrases"/>; docs/refusals.md
/// says what the rule was measured on, and what it cannot tell.
/// </remarks>
internal static class RefusalRule
{
    private const int Sentences = 3, ShortSentence = 13, Length = 400, Head = 30;

    /// <summary>Reads the phrases on another thread, so that the first answer does not wait for them (0.7 s).</summary>
    internal static void Prepare() => _ = Task.Run(() => RefusalPhrases.Instance);

    /// <summary>Whether the whole answer is a refusal; an empty one is none.</summary>
    /// <param name="answer">The answer in any of the rule's languages.</param>
    public static bool IsRefusal(string answer) => Judge(answer, isWhole: true) ?? false;

    /// <summary>
    /// What is known of an answer of which only the beginning is there: its <see cref="IsRefusal"/> once no further text can change that,
    /// null before. The work is bounded, however long the text is.
    /// </summary>
    /// <param name="beginning">The answer so far.</param>
    public static bool? Decide(string beginning) =>
        Judge(beginning.Length > 0 && char.IsHighSurrogate(beginning[^1]) ? beginning[..^1] : beginning, isWhole: false);

    private static bool? Judge(string text, bool isWhole)
    {
        var phrases = RefusalPhrases.Instance;
        string opening = FoldedText.Fold(text, Length, out bool isCut);
        bool isRefused = false;
        int counted = 0;
        foreach (var sentence in RefusalSentence.Split(opening, isWhole || isCut))
        {
            if (!sentence.HasWords) continue;
            string words = sentence.Words();
            if (isRefused)
            {
                if (sentence.IsComplete || words.Length >= Head) return !Turns(words[..Math.Min(words.Length, Head)]);
                return null;
            }
            if (phrases.Complies.IsIn(words)) return false;
            if (!sentence.IsComplete) return null;
            isRefused = phrases.Refuses.IsIn(phrases.NoRefusal.TakenOutOf(sentence.OwnWords()));
            if (isRefused ? Turns(words) : words.Length >= ShortSentence && ++counted == Sentences) return false;
        }
        return isWhole || isCut ? isRefused : null;
    }

    private static bool Turns(string words)
    {
        var phrases = RefusalPhrases.Instance;
        return phrases.Turns.IsIn(phrases.NoTurn.TakenOutOf(words));
    }
}
