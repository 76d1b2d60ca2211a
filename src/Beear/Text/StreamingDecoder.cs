using System.Text;

namespace Beear.Text;

/// <summary>Decodes token by token; bytes of a character that is not complete yet are held back.</summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly Decoder decoder = Encoding.UTF8.GetDecoder();

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens) => (this.tokenizer, this.skipSpecialTokens) = (tokenizer, skipSpecialTokens);

    /// <summary>Adds a token.</summary>
    /// <returns>The text that is certain now; may be empty.</returns>
    public string Append(int id)
    {
        var bytes = new List<byte>();
        tokenizer.AppendBytes(id, skipSpecialTokens, bytes);
        return Decode([.. bytes], flush: false);
    }

    /// <summary>Ends the text.</summary>
    /// <returns>U+FFFD for bytes that stayed incomplete, or nothing.</returns>
    public string Flush() => Decode([], flush: true);

    private string Decode(byte[] bytes, bool flush)
    {
        var characters = new char[decoder.GetCharCount(bytes, flush)];
        int count = decoder.GetChars(bytes, characters, flush);
        return new string(characters, 0, count);
    }
}
