using System.Text;
using Beear.Text;

namespace Beear.Server.OpenAI;

/// <summary>Tokens as texts of their own, as probabilities are listed with.</summary>
internal sealed class TokenTexts
{
    private readonly Tokenizer tokenizer;
    private readonly int[] before;
    private readonly string beforeText;

    /// <summary>Those of a tokenizer.</summary>
    public TokenTexts(Tokenizer tokenizer)
    {
        this.tokenizer = tokenizer;
        before = tokenizer.Encode("a");
        beforeText = tokenizer.Decode(before);
    }

    /// <summary>The text that a token adds behind others, with its blank if it has one; its name if it is a special one.</summary>
    public string Of(int id)
    {
        // At a text's beginning some decoders leave out a token's blank, so it is decoded behind another.
        string text = tokenizer.Decode([.. before, id]);
        return text.StartsWith(beforeText, StringComparison.Ordinal) && text.Length > beforeText.Length ? text[beforeText.Length..]
            : tokenizer.Decode([id]) is { Length: > 0 } alone ? alone : tokenizer.TokenOf(id);
    }

    /// <summary>A text's bytes; null of a token that is a part of a character only.</summary>
    public static IReadOnlyList<int>? Bytes(string text) =>
        text.Contains('\uFFFD', StringComparison.Ordinal) ? null : [.. Encoding.UTF8.GetBytes(text).Select(one => (int)one)];
}
