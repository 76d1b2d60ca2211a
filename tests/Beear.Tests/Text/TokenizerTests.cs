using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Text;
using CsCheck;

namespace Beear.Tests.Text;

public class TokenizerTests
{
    [Fact]
    public void SmolLm2_has_the_ids_and_texts_of_the_reference()
    {
        var tokenizer = Tokenizer.Load(Fixtures.Shared("models", "smollm2-135m-instruct", "tokenizer.json"));
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Parity("text", "tokens.smollm2.json")));
        var rows = reference.RootElement.GetProperty("rows");
        Assert.NotEqual(0, rows.GetArrayLength());
        foreach (var row in rows.EnumerateArray())
        {
            var text = row.GetProperty("text").GetString()!;
            int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            int[] withSpecial = [.. row.GetProperty("ids_with_special").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(withSpecial, tokenizer.Encode(text, addSpecialTokens: true));
            Assert.Equal(row.GetProperty("decoded").GetString(), tokenizer.Decode(withSpecial));
            Assert.Equal(row.GetProperty("decoded_skip_special").GetString(), tokenizer.Decode(withSpecial, skipSpecialTokens: true));
        }
    }

    [Fact]
    public void Every_text_comes_back_from_its_ids()
    {
        var tokenizer = TinyTokenizer.Create(TinyTokenizer.Words, ["a b", "Ġ a", "ab ab"]);
        Gen.String.Sample(text => Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), tokenizer.Decode(tokenizer.Encode(text))));
    }

    [Fact]
    public void A_batch_is_its_texts_one_by_one()
    {
        var tokenizer = TinyTokenizer.Create(TinyTokenizer.Words, ["a b", "ab ab"]);
        string[] texts = [.. Enumerable.Range(0, 50).Select(i => string.Concat(Enumerable.Repeat("ab 日", i)))];
        Assert.Equal(texts.Select(text => tokenizer.Encode(text)), tokenizer.EncodeBatch(texts));
    }

    [Fact]
    public void Unpaired_surrogates_count_as_replacement_characters()
    {
        var tokenizer = TinyTokenizer.Create();
        Assert.Equal(tokenizer.Encode("a\uFFFDb\uFFFD"), tokenizer.Encode("a\uD83Db\uDE42"));
    }

    [Fact]
    public void The_post_processor_adds_tokens_only_when_asked()
    {
        var tokenizer = TinyTokenizer.Create(
            added: ["""{ "id": 300, "content": "<s>", "special": true }""", """{ "id": 301, "content": "</s>", "special": true }"""],
            change: root => root["post_processor"] = JsonNode.Parse("""
                {
                  "type": "Sequence",
                  "processors": [
                    { "type": "ByteLevel", "trim_offsets": true },
                    {
                      "type": "TemplateProcessing",
                      "single": [{ "SpecialToken": { "id": "<s>" } }, { "Sequence": { "id": "A" } }, { "SpecialToken": { "id": "</s>" } }],
                      "special_tokens": { "<s>": { "ids": [300] }, "</s>": { "ids": [301] } }
                    }
                  ]
                }
                """));
        Assert.Equal([97], tokenizer.Encode("a"));
        Assert.Equal([300, 97, 301], tokenizer.Encode("a", addSpecialTokens: true));
        Assert.Equal("<s>a</s>", tokenizer.Decode([300, 97, 301]));
        Assert.Equal("a", tokenizer.Decode([300, 97, 301], skipSpecialTokens: true));
        Assert.Equal(302, tokenizer.VocabularySize);
        Assert.Equal(300, tokenizer.IdOf("<s>"));
        Assert.Equal("</s>", tokenizer.TokenOf(301));
        Assert.Equal("", tokenizer.TokenOf(299));
        Assert.True(tokenizer.IsSpecial(300));
        Assert.False(tokenizer.IsSpecial(97));
    }

    [Theory]
    [InlineData("[]", "not a tokenizer.json")]
    [InlineData("{", "not a tokenizer.json")]
    [InlineData("{}", "not a tokenizer.json")]
    [InlineData("""{ "model": { "type": "Unigram" } }""", "Unigram")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": -1 }, "merges": [] } }""", "id -1")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 2000000000 }, "merges": [] } }""", "id 2000000000")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["aa"] } }""", "two tokens")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a b"] } }""", "\"b\"")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [["a"]] } }""", "not a tokenizer.json")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "byte_fallback": true } }""", "byte_fallback")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [], "unk_token": "<unk>" } }""", "<unk>")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "pre_tokenizer": { "type": "Metaspace" } }""", "Metaspace")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "normalizer": { "type": "Prepend" } }""", "Prepend")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "decoder": { "type": "WordPiece" } }""", "WordPiece")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "post_processor": { "type": "BertProcessing" } }""", "BertProcessing")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "pre_tokenizer": { "type": "Split", "pattern": { "Regex": "(" }, "behavior": "Isolated" } }""", "regular expression")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "pre_tokenizer": { "type": "Split", "pattern": { "String": "a" }, "behavior": "Lost" } }""", "Lost")]
    public void A_damaged_or_unknown_file_is_refused_by_name(string json, string named)
    {
        var error = Assert.Throws<BeearException>(() => Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "folder/tokenizer.json"));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("folder/tokenizer.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("no-such-file", Assert.Throws<BeearException>(() => Tokenizer.Load("no-such-file/tokenizer.json")).Message, StringComparison.Ordinal);
}
