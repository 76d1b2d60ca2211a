using System.Text;
using System.Text.Json.Nodes;
using Beear.Text;
using CsCheck;

namespace Beear.Tests.Text;

public class TokenizerTests
{
    [Fact]
    public void Every_text_comes_back_from_its_ids()
    {
        var tokenizer = TinyTokenizer.Create(TinyTokenizer.Words, ["a b", "Ġ a", "ab ab"]);
        Gen.String.Sample(text => Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)),
            tokenizer.Decode(tokenizer.Encode(text))));
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
    [InlineData("""{ "model": { "type": "Trigram" } }""", "Trigram")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": -1 }, "merges": [] } }""", "id -1")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 2000000000 }, "merges": [] } }""", "id 2000000000")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["aa"] } }""", "two tokens")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a b"] } }""", "\"b\"")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [["a"]] } }""", "not a tokenizer.json")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": {}, "merges": [], "novel": 1 } }""", "novel")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "novel": "x" }""", "novel")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "version": "2.0" }""", "2.0")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "normalizer": { "type": "NFC", "novel": true } }""", "novel")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "normalizer": "NFC" }""", "normalizer")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "pre_tokenizer": { "type": "Metaspace", "replacement": "ab" } }""", "one character")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "decoder": { "type": "Strip", "content": " ", "start": -1, "stop": 0 } }""", "start")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "post_processor": { "type": "BertProcessing", "cls": ["a", 5], "sep": ["b", 6] } }""", "token a")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "post_processor": { "type": "TemplateProcessing", "single": [] } }""", "template")]
    [InlineData("""{ "model": { "type": "Unigram", "unk_id": 7, "vocab": [["a", 0]] } }""", "unk_id")]
    [InlineData("""{ "model": { "type": "Unigram", "vocab": [["a"]] } }""", "score")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "pre_tokenizer": { "type": "UnicodeScripts" } }""", "UnicodeScripts")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "normalizer": { "type": "Append" } }""", "Append")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "decoder": { "type": "WordSoup" } }""", "WordSoup")]
    [InlineData("""{ "model": { "vocab": {}, "merges": [] }, "post_processor": { "type": "MyProcessing" } }""", "MyProcessing")]
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
        Assert.Contains("no-such-file", Assert.Throws<BeearException>(() => Tokenizer.Load("no-such-file/tokenizer.json")).Message,
            StringComparison.Ordinal);
}
