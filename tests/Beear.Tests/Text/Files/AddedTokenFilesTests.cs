using System.Text.Json.Nodes;
using Beear.Lab.World;
using Beear.Text;

namespace Beear.Tests.Text.Files;

/// <summary>Tokens that stand beside tokenizer.json only: in tokenizer_config.json, added_tokens.json or special_tokens_map.json.</summary>
public class AddedTokenFilesTests
{
    private const string Text = "<|start|>a b<|stop|> c <|end|>";

    [Fact]
    public void Tokens_of_added_tokens_decoder_are_one_id_each()
    {
        var tokenizer = Load(config: Decoder("""{"2304":{"content":"<|start|>","special":true},"2305":{"content":"<|stop|>","special":false,"rstrip":true}}"""));
        var ids = tokenizer.Encode(Text);
        Assert.Equal([2304, 2305], [ids[0], ids[3]]);
        Assert.Equal((true, false, 2306), (tokenizer.IsSpecial(2304), tokenizer.IsSpecial(2305), tokenizer.VocabularySize));
        Assert.Equal(tokenizer.Encode("a b<|stop|>c <|end|>"), ids[1..]);                  // rstrip takes the space
        Assert.Equal("a b<|stop|>c ", tokenizer.Decode(ids, skipSpecialTokens: true));
    }

    [Fact]
    public void Tokens_of_added_tokens_json_are_special_where_a_file_names_them_so()
    {
        var tokenizer = Load(
            config: json => json["additional_special_tokens"] = new JsonArray("<|start|>"),
            added: """{"<|stop|>":2305,"<|start|>":2304}""");
        var ids = tokenizer.Encode(Text);
        Assert.Equal([2304, 2305], [ids[0], ids[3]]);
        Assert.Equal((true, false), (tokenizer.IsSpecial(2304), tokenizer.IsSpecial(2305)));
    }

    [Theory]
    [InlineData("additional_special_tokens", """["<|end|>"]""")]
    [InlineData("extra_special_tokens", """{"stop_token":"<|end|>"}""")]
    [InlineData("eos_token", "\"<|end|>\"")]
    [InlineData("eos_token", """{"content":"<|end|>","lstrip":false}""")]
    public void A_named_token_that_only_the_vocabulary_has_is_special(string key, string value)
    {
        var tokenizer = Load(config: json =>
        {
            json.Remove("eos_token");
            json[key] = JsonNode.Parse(value);
        }, tokenizer: json => json["added_tokens"]!.AsArray().RemoveAt(3));
        Assert.Equal(3, tokenizer.Encode("a<|end|>")[^1]);
        Assert.True(tokenizer.IsSpecial(3));
    }

    [Fact]
    public void What_added_tokens_decoder_says_of_a_token_goes_before_tokenizer_json()
    {
        var tokenizer = Load(config: Decoder("""{"2":{"content":"<|assistant|>","special":false,"lstrip":true,"normalized":false}}"""));
        Assert.Equal([.. tokenizer.Encode("a"), 2], tokenizer.Encode("a  <|assistant|>"));
        Assert.True(tokenizer.IsSpecial(2));                                               // once special, always special
    }

    [Theory]
    [InlineData("""{"2304":{"content":"<|end|>"}}""", null, "'<|end|>' has the id 2304 in tokenizer_config.json and 3 in tokenizer.json")]
    [InlineData("""{"3":{"content":"<|start|>"}}""", null, "the id 3 is '<|start|>' in tokenizer_config.json and '<|end|>' in tokenizer.json")]
    [InlineData("""{"2304":{"content":"<|start|>"}}""", """{"<|start|>":2305}""", "'<|start|>' has the id 2305 in added_tokens.json and 2304 in tokenizer_config.json")]
    [InlineData("""{"2304":{"content":"<|start|>"}}""", """{"<|stop|>":2304}""", "the id 2304 is '<|stop|>' in added_tokens.json and '<|start|>' in tokenizer_config.json")]
    public void Contradicting_ids_are_one_sentence(string decoder, string? added, string sentence)
    {
        var message = Assert.Throws<BeearException>(() => Load(Decoder(decoder), added)).Message;
        Assert.Contains(sentence, message, StringComparison.Ordinal);
        Assert.EndsWith("; fetch the tokenizer's files again, all from one model.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_ids_again_change_nothing()
    {
        string[] texts = ["a <|user|> b", Text, "<|end|>\n"];
        var (plain, again) = (Load(), Load(Decoder("""{"1":{"content":"<|user|>","special":true},"3":{"content":"<|end|>","special":true}}"""), """{"<|user|>":1}"""));
        foreach (var text in texts) Assert.Equal(plain.Encode(text), again.Encode(text));
    }

    private static Action<JsonObject> Decoder(string decoder) => json => json["added_tokens_decoder"] = JsonNode.Parse(decoder);

    private static Tokenizer Load(Action<JsonObject>? config = null, string? added = null, Action<JsonObject>? tokenizer = null)
    {
        var folder = Fixtures.TemporaryFolder();
        foreach (var file in Directory.GetFiles(Organism.BaseDirectory, "*.json")) File.Copy(file,
            Path.Combine(folder, Path.GetFileName(file)));
        foreach (var (name, change) in new[] { ("tokenizer_config.json", config), ("tokenizer.json", tokenizer) })
        {
            var path = Path.Combine(folder, name);
            var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            change?.Invoke(json);
            File.WriteAllText(path, json.ToJsonString());
        }
        if (added is not null) File.WriteAllText(Path.Combine(folder, "added_tokens.json"), added);
        return ChatFormat.Load(folder).Tokenizer;
    }
}
