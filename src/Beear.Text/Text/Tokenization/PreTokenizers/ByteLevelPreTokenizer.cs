using System.Text;
using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Text.Tokenization.PreTokenizers;

/// <summary>Splits into words if asked, and rewrites the text in the <see cref="ByteAlphabet"/>.</summary>
/// <param name="addPrefixSpace">A piece that does not start with a space gets one.</param>
/// <param name="splitWords">Split with GPT-2's expression; otherwise the text stays one piece.</param>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool splitWords) : IPreTokenizer
{
    private static readonly RegexPattern Words = new(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    /// <inheritdoc/>
    public void Split(TextPiece text, List<TextPiece> pieces, EncodingBudget budget)
    {
        var characters = text.Text.Span;
        if (addPrefixSpace && !characters.StartsWith(' ')) characters = string.Concat(" ", characters);
        var bytes = new TextPiece(ByteAlphabet.Write(characters).AsMemory(), text.StartsText);
        if (!splitWords)
        {
            if (!bytes.Text.IsEmpty) pieces.Add(bytes);
            return;
        }
        var words = new List<TextSpan>();
        Words.FindMatches(characters, words, budget); // the expression matches everything: nothing lies between the words
        int start = 0;
        foreach (var word in words)
        {
            int end = start + Encoding.UTF8.GetByteCount(characters[word.Start..word.End]);
            pieces.Add(bytes.Slice(start, end));
            start = end;
        }
    }
}
