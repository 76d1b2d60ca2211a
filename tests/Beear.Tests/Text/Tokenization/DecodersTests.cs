using System.Text.Json.Nodes;
using Beear.Text;
using CsCheck;

namespace Beear.Tests.Text.Tokenization;

/// <summary>Decoders, with the examples of the library that defines the format.</summary>
public class DecodersTests
{
    private const string Llama = """
        { "type": "Sequence", "decoders": [
          { "type": "Replace", "pattern": { "String": "▁" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" },
          { "type": "Strip", "content": " ", "start": 1, "stop": 0 }] }
        """;

    public static TheoryData<string, string[], string> Examples => new()
    {
        { "null", ["a", "b"], "a b" },
        { """{ "type": "ByteFallback" }""", ["Hey", "<0x61>", "friend"], "Heyafriend" },
        { """{ "type": "ByteFallback" }""", ["<0xE5>", "<0x8f>", "<0xab>", "a"], "叫a" },
        { """{ "type": "ByteFallback" }""", ["<0xE5>", "<0x8f>", "a", "<0xE5>"], "\uFFFD\uFFFDa\uFFFD" },
        { """{ "type": "ByteFallback" }""", ["<0x6>", "<0xZZ>", "<0x61 >"], "<0x6><0xZZ><0x61 >" },
        { """{ "type": "Fuse" }""", ["a", "b"], "ab" },
        { """{ "type": "Strip", "content": "H", "start": 1, "stop": 0 }""", ["Hey", "HHi", "Y"], "eyHiY" },
        { """{ "type": "Strip", "content": "y", "start": 0, "stop": 1 }""", ["Hey", "Hyy", "y"], "HeHy" },
        { """{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always" }""", ["▁Hey", "▁fr▁iend", "!"], "Hey fr iend!" },
        { """{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "never" }""", ["▁Hey", "▁friend"], " Hey friend" },
        { """{ "type": "Metaspace", "replacement": "▁", "add_prefix_space": true, "str_rep": "▁" }""", ["▁Hey", "▁friend"], "Hey friend" },
        { """{ "type": "WordPiece", "prefix": "##", "cleanup": true }""", ["un", "##known", ".", "don", "'", "t", "do not"], "unknown. don ' t don't" },
        { """{ "type": "WordPiece", "prefix": "##", "cleanup": false }""", ["##uelo", "Ara", "##új", "."], "##uelo Araúj ." },
        { """{ "type": "BPEDecoder", "suffix": "</w>" }""", ["a", "b</w>", "c</w>"], "ab c" },
        { """{ "type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true }""", ["<pad>", "h", "h", "<pad>", "i", "|", "|", "l", "<pad>", "l"], "hi ll" },
        { """{ "type": "Replace", "pattern": { "Regex": "[ab]+" }, "content": "_" }""", ["abba", "cab"], "_c_" },
        { """{ "type": "ByteLevel" }""", ["Ã", "©", "Ġa", "Ã", "日"], "é a\uFFFD日" },
        { Llama, ["▁▁Hey", "▁", "<0xF0>", "<0x9F>", "<0x99>", "<0x82>", "!"], " Hey 🙂!" },
        { Llama, ["▁"], "" },
        { Llama, ["<0xF0>", "<0x9F>"], "\uFFFD\uFFFD" },
        { """{ "type": "Sequence", "decoders": [{ "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 2 }] }""", ["  a", " ", " ", " b  ", " "], " a   b " },
        { """{ "type": "Sequence", "decoders": [{ "type": "Fuse" }, { "type": "Replace", "pattern": { "Regex": "a b" }, "content": "-" }] }""", ["x a", " b", " a ", "b"], "x - -" },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void Tokens_become_text(string decoder, string[] tokens, string expected)
    {
        var tokenizer = Create(decoder, tokens);
        var ids = tokens.Select(token => tokenizer.IdOf(token)!.Value).ToArray();
        Assert.Equal(expected, tokenizer.Decode(ids));
        Assert.Equal("", tokenizer.Decode([]));
        var stream = tokenizer.StartDecoding();
        for (int repetition = 0; repetition < 2; repetition++) Assert.Equal(expected,
            string.Concat(ids.Select(stream.Append)) + stream.Flush());
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_stream_together_is_the_decoded_text(string decoder, string[] tokens, string expected)
    {
        Assert.NotNull(expected);
        var tokenizer = Create(decoder, [.. tokens, "<0xE5>", "<0x61>", "▁", " ", "##x", "</w>", "Ġ", "Ã", ""]);
        Gen.Int[-1, tokenizer.VocabularySize].List[0, 12].Sample(
            ids =>
            {
                var stream = tokenizer.StartDecoding();
                Assert.Equal(tokenizer.Decode([.. ids]), string.Concat(ids.Select(stream.Append)) + stream.Flush());
            },
            iter: 200);
    }

    [Fact]
    public void Text_is_passed_on_as_soon_as_it_is_sure()
    {
        var tokenizer = Create(Llama, ["▁Hey", "▁you", "<0x61>", "!"]);
        var stream = tokenizer.StartDecoding();
        Assert.Equal(["Hey", " you", "", "a!"], new[] { 0, 1, 2, 3 }.Select(stream.Append));
    }

    private static Tokenizer Create(string decoder, string[] tokens)
    {
        var vocabulary = new JsonObject();
        foreach (string token in tokens) vocabulary.TryAdd(token, JsonValue.Create(vocabulary.Count));
        return Tokenizer.FromJson(SmallTokenizers.Json(new JsonObject { ["type"] = "WordLevel", ["vocab"] = vocabulary },
            decoder: decoder), "small");
    }
}
