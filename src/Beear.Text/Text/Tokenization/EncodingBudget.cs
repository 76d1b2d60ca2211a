namespace Beear.Text.Tokenization;

/// <summary>
/// What the encoding of one text may use up, as <see cref="Templates.RenderState"/> is for a chat template: characters that are made or
/// looked at, by the text's length, and time.
/// So a hostile tokenizer.json, whose steps double a text again and again or take ages over it, ends in an error.
/// </summary>
/// <param name="length">The text's characters.</param>
internal sealed class EncodingBudget(long length)
{
    private const long Free = 100_000, PerCharacter = 128;
    private const int ModelCost = 8;
    private const double Seconds = 5, CharactersPerSecond = 1e5; // a hundredth of the usual speed

    private readonly long end = Environment.TickCount64 + (long)(1000 * (Seconds + length / CharactersPerSecond));
    private long left = Free + PerCharacter * length;

    /// <summary>Counts characters that are about to be made or looked at.</summary>
    /// <exception cref="BeearException">They are too many, or the time is over.</exception>
    public void Charge(long characters)
    {
        left -= characters;
        if (left < 0) throw TooMuch("makes far more of a text than any tokenizer needs to");
        CheckTime();
    }

    /// <summary>Counts characters that are about to become tokens, which takes more memory.</summary>
    /// <exception cref="BeearException">They are too many, or the time is over.</exception>
    public void ChargeModel(long characters) => Charge(ModelCost * characters);

    /// <summary>Looks at the clock.</summary>
    /// <exception cref="BeearException">The time is over.</exception>
    public void CheckTime()
    {
        if (Environment.TickCount64 > end) throw TooMuch("takes too long over a text");
    }

    private static BeearException TooMuch(string what) =>
        new($"The tokenizer {what}; it is damaged or hostile, fetch it again from a source that you trust.");
}
