using System.Buffers;
using System.Text;

namespace Beear.Text.Tokenization;

/// <summary>Turns tokens back into bytes of UTF-8, one at a time, so that text can be decoded while it is generated.</summary>
internal interface ITokenDecoder
{
    /// <summary>Appends the bytes of one token.</summary>
    /// <param name="token">The token as the vocabulary writes it.</param>
    /// <param name="isFirst">Nothing has been decoded before it.</param>
    /// <param name="output">Where the bytes go.</param>
    void Append(string token, bool isFirst, IBufferWriter<byte> output);
}

/// <summary>Tokens written in the <see cref="ByteAlphabet"/>.</summary>
internal sealed class ByteLevelDecoder : ITokenDecoder
{
    /// <inheritdoc/>
    public void Append(string token, bool isFirst, IBufferWriter<byte> output) => ByteAlphabet.Read(token, output);
}

/// <summary>No decoder given: tokens stand for themselves, with spaces between them.</summary>
internal sealed class SpaceSeparatedDecoder : ITokenDecoder
{
    /// <inheritdoc/>
    public void Append(string token, bool isFirst, IBufferWriter<byte> output)
    {
        if (!isFirst) output.Write(" "u8);
        Encoding.UTF8.GetBytes(token, output);
    }
}
