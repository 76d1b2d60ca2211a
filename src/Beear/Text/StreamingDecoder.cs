using System.Buffers;
using System.Text;

namespace Beear.Text;

/// <summary>
/// Decodes ids that arrive one by one. A character whose bytes are spread over several ids is held back until it is complete, so all
/// the returned strings together are what <see cref="Tokenizer.Decode"/> gives. For one stream and one thread.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly Decoder utf8 = Encoding.UTF8.GetDecoder();
    private readonly ArrayBufferWriter<byte> bytes = new();
    private bool isFirst = true;

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Takes the next id and returns the text that is complete now; often empty within a character of several bytes.</summary>
    public string Append(int id)
    {
        bytes.ResetWrittenCount();
        if (tokenizer.AppendBytes(id, skipSpecialTokens, isFirst, bytes)) isFirst = false;
        return Take(flush: false);
    }

    /// <summary>Ends the stream: a character that never became complete is returned as U+FFFD.</summary>
    public string Flush()
    {
        bytes.ResetWrittenCount();
        isFirst = true;
        return Take(flush: true);
    }

    private string Take(bool flush)
    {
        var characters = new char[utf8.GetCharCount(bytes.WrittenSpan, flush)];
        int count = utf8.GetChars(bytes.WrittenSpan, characters, flush);
        return new string(characters, 0, count);
    }
}
