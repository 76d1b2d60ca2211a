using CsCheck;

namespace Beear.Tests.Text;

public class StreamingDecoderTests
{
    [Fact]
    public void The_stream_together_is_the_decoded_text()
    {
        var tokenizer = TinyTokenizer.Create(merges: ["Ã ©", "a b"], added: ["""{ "id": 258, "content": "<é>", "special": true }"""]);
        Gen.Select(Gen.Int[0, 260].List[0, 30], Gen.Bool).Sample((ids, skipSpecialTokens) =>
        {
            var decoding = tokenizer.StartDecoding(skipSpecialTokens);
            string streamed = string.Concat(ids.Select(decoding.Append)) + decoding.Flush();
            Assert.Equal(tokenizer.Decode([.. ids], skipSpecialTokens), streamed);
        });
    }

    [Fact]
    public void A_character_is_held_back_until_it_is_complete()
    {
        var tokenizer = TinyTokenizer.Create();
        var decoding = tokenizer.StartDecoding();
        Assert.Equal(["", "", "", "🙂", "a"], tokenizer.Encode("🙂a").Select(decoding.Append));
        Assert.Equal("", decoding.Flush());

        Assert.Equal("", decoding.Append(tokenizer.Encode("🙂")[0]));
        Assert.Equal("\uFFFD", decoding.Flush());
        Assert.Equal("a", decoding.Append('a'));
    }
}
