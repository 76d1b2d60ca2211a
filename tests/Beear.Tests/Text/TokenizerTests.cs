using System.Text;
using System.Text.Json.Nodes;
using Beear.Text;
using CsCheck;

namespace Beear.Tests.Text;

public class TokenizerTests
{
    private static Tokenizer SmolLm2 => Tokenizer.Load(Fixtures.Shared("models", "smollm2-135m-instruct", "tokenizer.json"));

    [Fact]
    public void Ids_and_texts_are_the_references()
    {
        var tokenizer = SmolLm2;
        foreach (var row in JsonNode.Parse(File.ReadAllText(Fixtures.Parity("text", "tokens.smollm2.json")))!["rows"]!.AsArray())
        {
            var text = row!["text"]!.GetValue<string>();
            var ids = row["ids"]!.AsArray().Select(id => id!.GetValue<int>()).ToArray();
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(row["ids_with_special"]!.AsArray().Select(id => id!.GetValue<int>()), tokenizer.Encode(text, addSpecialTokens: true));
            Assert.Equal(row["decoded"]!.GetValue<string>(), tokenizer.Decode(ids));
            Assert.Equal(row["decoded_skip_special"]!.GetValue<string>(), tokenizer.Decode(ids, skipSpecialTokens: true));
        }
    }

    [Fact]
    public void Any_text_comes_back() => Gen.String.Sample(text =>
    {
        var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));   // lone surrogates become U+FFFD
        Assert.Equal(valid, Tiny().Decode(Tiny().Encode(text)));
    });

    [Fact]
    public void Streaming_gives_the_whole_text() => Gen.Int[0, 259].Array[0, 40].Sample(ids =>
    {
        var tokenizer = Tiny();
        var decoder = tokenizer.StartDecoding(skipSpecialTokens: false);
        var streamed = string.Concat(ids.Select(decoder.Append)) + decoder.Flush();
        Assert.Equal(tokenizer.Decode(ids), streamed);
    });

    [Fact]
    public void A_partial_character_is_held_back()
    {
        var tokenizer = Tiny();
        var ids = tokenizer.Encode("é");
        Assert.Equal(2, ids.Length);
        var decoder = tokenizer.StartDecoding();
        Assert.Equal(["", "é"], ids.Select(decoder.Append));
    }

    [Theory]
    [InlineData("""{"lstrip":true}""", "a <x> b", "a|<x>| b")]
    [InlineData("""{"rstrip":true}""", "a <x> b", "a |<x>|b")]
    [InlineData("""{"single_word":true}""", "a<x>b <x>", "a<x>b |<x>")]
    [InlineData("""{}""", "a<x>b", "a|<x>|b")]
    public void Added_tokens_keep_their_flags(string flags, string text, string expected)
    {
        var token = JsonNode.Parse(flags)!.AsObject();
        token["id"] = 260;
        token["content"] = "<x>";
        var tokenizer = Tiny(added: [token], preTokenizer: """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""");
        Assert.Equal(expected, Pieces(tokenizer, text, id => id == 260));
    }

    [Theory]
    [InlineData("Removed", "a|b|c")]
    [InlineData("Isolated", "a|-|-|b|-|c")]
    [InlineData("MergedWithPrevious", "a-|-|b-|c")]
    [InlineData("MergedWithNext", "a|-|-b|-c")]
    [InlineData("Contiguous", "a|--|b|-|c")]
    public void Split_has_every_behaviour(string behaviour, string expected)
    {
        var split = new Beear.Text.Tokenization.SplitPreTokenizer(new System.Text.RegularExpressions.Regex("-", default, TimeSpan.FromSeconds(1)),
            Enum.Parse<Beear.Text.Tokenization.SplitBehaviour>(behaviour), invert: false);
        Assert.Equal(expected, string.Join('|', split.Divide("a--b-c")));
    }

    [Fact]
    public void Letters_outside_the_basic_plane_are_letters()
    {
        var pre = new Beear.Text.Tokenization.ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: true);
        Assert.Equal(2, pre.Divide("a𝐀b 😀").Count());
    }

    [Fact]
    public void A_long_text_without_spaces_is_not_quadratic()
    {
        var text = string.Concat(Enumerable.Repeat("abcdefghij", 10_000));
        var ids = Tiny(merges: ["a b", "c d", "ab cd"]).Encode(text);
        Assert.Equal(70_000, ids.Length);
    }

    [Theory]
    [InlineData("""{"model":{"type":"Unigram","vocab":[]}}""", "Unigram")]
    [InlineData("""{"model":{"type":"BPE","vocab":{},"merges":["x"]}}""", "not two tokens")]
    [InlineData("""{"model":{"type":"BPE","vocab":{},"merges":["x y"]}}""", "not in its vocabulary")]
    [InlineData("""[]""", "not an object")]
    [InlineData("""{""", "not JSON")]
    public void Bad_files_are_refused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<BeearException>(() => Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "tokenizer.json")).Message, StringComparison.Ordinal);

    /// <summary>All 256 bytes, the merges that are asked for, and the added tokens.</summary>
    private static Tokenizer Tiny(string[]? merges = null, JsonNode[]? added = null,
        string preTokenizer = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""")
    {
        var vocabulary = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            var character = Beear.Text.Tokenization.ByteAlphabet.CharacterOf((byte)value).ToString();
            vocabulary[character] = value;
        }
        foreach (var merge in merges ?? []) vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        var root = new JsonObject
        {
            ["added_tokens"] = new JsonArray(added ?? []),
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray([.. (merges ?? []).Select(merge => JsonValue.Create(merge))]) },
        };
        return Tokenizer.FromJson(Encoding.UTF8.GetBytes(root.ToJsonString()), "test");
    }

    private static string Pieces(Tokenizer tokenizer, string text, Func<int, bool> isAdded)
    {
        var result = new StringBuilder();
        bool apart = true;
        foreach (int id in tokenizer.Encode(text))
        {
            if (result.Length > 0 && (isAdded(id) || apart)) result.Append('|');
            result.Append(tokenizer.Decode([id]));
            apart = isAdded(id);
        }
        return result.ToString();
    }
}
