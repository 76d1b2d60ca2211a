using Beear.Text.Tokenization.Decoders;

namespace Beear.Text;

/// <summary>
/// Decodes ids that arrive one by one. A character whose bytes are spread over several ids is held back until it is complete, so all
/// the returned strings together are what <see cref="Tokenizer.Decode"/> gives. For one stream and one thread.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly TextCollector text = new();
    private readonly DecoderStep steps;

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        steps = tokenizer.DecoderInto(text);
    }

    /// <summary>Takes the next id and returns the text that is complete now; often empty within a character of several bytes.</summary>
    public string Append(int id)
    {
        if (tokenizer.DecodableTokenOf(id, skipSpecialTokens) is { } token) steps.Write(token, endsToken: true);
        return text.Take();
    }

    /// <summary>Ends the stream and returns what was held back: a character that never became complete as U+FFFD.</summary>
    public string Flush()
    {
        steps.Complete();
        return text.Take();
    }
}
