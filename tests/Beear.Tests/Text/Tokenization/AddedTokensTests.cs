using System.Text.Json.Nodes;

namespace Beear.Tests.Text.Tokenization;

public class AddedTokensTests
{
    [Theory]
    [InlineData("", "a <x> b", "a| |<x>| |b")]
    [InlineData("lstrip", "a  <x> b", "a|<x>| |b")]
    [InlineData("rstrip", "a <x>  b", "a| |<x>|b")]
    [InlineData("rstrip", "<x>  <x>b", "<x>|<x>|b")]
    [InlineData("lstrip", "<x>  <x>b", "<x>|<x>|b")]
    [InlineData("single_word", "a<x> <x>é<x>.", "a|<|x|>| |<|x|>|Ã|©|<|x|>|.")]
    [InlineData("single_word", " <x>.<x>", " |<x>|.|<x>")]
    [InlineData("special", "a<x>b", "a|<x>|b")]
    [InlineData("normalized", "a<x>b", "a|<x>|b")]
    public void Flags_say_where_a_token_is_found_and_what_it_takes(string flag, string text, string expected)
    {
        var token = new JsonObject { ["id"] = 256, ["content"] = "<x>" };
        if (flag.Length > 0) token[flag] = true;
        var tokenizer = TinyTokenizer.Create(added: [token.ToJsonString()]);
        Assert.Equal(expected, string.Join('|', tokenizer.Encode(text).Select(tokenizer.TokenOf)).Replace('Ġ', ' '));
    }

    [Fact]
    public void The_longest_of_tokens_at_one_place_is_taken_and_the_leftmost_of_tokens_that_overlap()
    {
        var tokenizer = TinyTokenizer.Create(added:
        [
            """{ "id": 256, "content": "<a" }""", """{ "id": 257, "content": "<a>" }""", """{ "id": 258, "content": ">b" }""", """{ "id": 259, "content": "" }""",
        ]);
        Assert.Equal([257, 'b', 256, 'c', 258], tokenizer.Encode("<a>b<ac>b"));
    }

    [Fact]
    public void A_token_of_white_space_is_found_in_what_the_one_before_it_took()
    {
        // As in the reference, whose search goes on behind the token's own text.
        var tokenizer = TinyTokenizer.Create(added: ["""{ "id": 256, "content": "<a>", "rstrip": true }""", """{ "id": 257, "content": "\n" }"""]);
        Assert.Equal([256, 257, 'b'], tokenizer.Encode("<a>\nb"));
    }

    [Fact]
    public void A_token_that_the_model_has_keeps_the_models_id_and_normalized_ones_are_found_in_normalized_text()
    {
        var tokenizer = TinyTokenizer.Create(
            added: ["""{ "id": 300, "content": "a" }""", """{ "id": 256, "content": "<X>", "normalized": true }""", """{ "id": 257, "content": "<Y>" }"""],
            change: root => root["normalizer"] = JsonNode.Parse("""{ "type": "Lowercase" }"""));
        Assert.Equal(['a', 256, 256, 257, '<', 'y', '>'], tokenizer.Encode("a<x><X><Y><y>"));
    }
}
