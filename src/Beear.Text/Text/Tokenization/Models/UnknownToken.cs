namespace Beear.Text.Tokenization.Models;

/// <summary>What models say of a text for which there is no id.</summary>
internal static class UnknownToken
{
    /// <summary>The error.</summary>
    /// <param name="what">What has no id: a character or a word.</param>
    public static BeearException Missing(string what) =>
        new($"The text has a {what} that the tokenizer's vocabulary lacks, and there is no unknown token for it.");
}
