using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Text;
using Beear.Text.Tokenization;
using Beear.Text.Tokenization.Files;
using Beear.Text.Tokenization.PreTokenizers;
using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Tests.Text.Tokenization;

public class PreTokenizersTests
{
    private const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    [InlineData("Removed", false, "the|final|countdown")]
    [InlineData("Isolated", false, "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", false, "the-|final-|-|countdown")]
    [InlineData("MergedWithNext", false, "the|-final|-|-countdown")]
    [InlineData("Contiguous", false, "the|-|final|--|countdown")]
    [InlineData("Removed", true, "-|-|-")]
    [InlineData("Isolated", true, "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", true, "the|-final|-|-countdown")]
    [InlineData("MergedWithNext", true, "the-|final-|-|countdown")]
    public void Split_treats_matches_as_asked(string behavior, bool invert, string expected)
    {
        var named = Enum.Parse<SplitBehavior>(behavior);
        Assert.Equal(expected, Split(new SplitPreTokenizer(new LiteralPattern("-"), named, invert), "the-final--countdown"));
        Assert.Equal(expected, Split(new SplitPreTokenizer(new RegexPattern("-"), named, invert), "the-final--countdown"));
    }

    [Theory]
    [InlineData(false, "a|1|2|b|½|𝟙|𝟚")]
    [InlineData(true, "a|12|b|½𝟙𝟚")]
    public void Digits_are_all_numeric_characters_also_beyond_sixteen_bits(bool together, string expected) =>
        Assert.Equal(expected, Split(new SplitPreTokenizer(new CharacterPattern(CharacterProperties.Number), together
            ? SplitBehavior.Contiguous : SplitBehavior.Isolated), "a12b½𝟙𝟚"));

    [Theory]
    [InlineData("👧emoji", "👧emoji")] // one character that is no letter may stand before letters
    [InlineData("👩👧emoji", "👩👧|emoji")]
    [InlineData("𝟙𝟚𝟛𝟜", "𝟙𝟚𝟛|𝟜")]
    [InlineData("a𝐁𠀀 🙂🙂", "a𝐁𠀀| 🙂🙂")]
    [InlineData("I'VE 12345\r\n\n x", "I|'VE| |123|45|\r\n\n| x")]
    public void Expressions_see_code_points(string text, string expected) =>
        Assert.Equal(expected, Split(new SplitPreTokenizer(new RegexPattern(Llama3), SplitBehavior.Isolated, invert: false), text));

    [Theory]
    [InlineData(true, true, "Hello  world's", "ĠHello|Ġ|Ġworld|'s")]
    [InlineData(true, true, " Hello", "ĠHello")]
    [InlineData(false, true, "Hello 日本 𝐀b 1𝟙", "Hello|ĠæĹ¥æľ¬|ĠðĿĲĢb|Ġ1ðĿŁĻ")]
    [InlineData(false, false, "Hello world", "HelloĠworld")]
    [InlineData(false, true, "", "")]
    public void ByteLevel_splits_words_and_writes_bytes(bool addPrefixSpace, bool splitWords, string text, string expected) =>
        Assert.Equal(expected, Split(new ByteLevelPreTokenizer(addPrefixSpace, splitWords), text));

    [Theory]
    [InlineData("always", true, "Hey my  friend", "▁Hey|▁my|▁|▁friend")]
    [InlineData("always", false, "Hey my", "▁Hey▁my")]
    [InlineData("never", true, "Hey my", "Hey|▁my")]
    [InlineData("always", true, " Hey", "▁Hey")]
    public void Metaspace_writes_spaces_and_splits_before_them(string scheme, bool split, string text, string expected) =>
        Assert.Equal(expected, Split(new MetaspacePreTokenizer("▁", Enum.Parse<PrependScheme>(scheme, ignoreCase: true), split), text));

    [Fact]
    public void Metaspace_of_the_scheme_first_writes_before_the_start_of_the_text_only()
    {
        var tokenizer = Tokenizer.FromJson(SmallTokenizers.Json(
            JsonNode.Parse("""{ "type": "WordLevel", "unk_token": "?", "vocab": { "?": 0, "▁a": 1, "a": 2, "▁": 3 } }""")!,
            preTokenizer: """{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true }""",
            added: """[{ "id": 4, "content": "<s>" }]"""), "small");
        Assert.Equal([1, 1], tokenizer.Encode("a a"));
        Assert.Equal([4, 2, 1], tokenizer.Encode("<s>a a"));
        Assert.Equal([1, 4, 2], tokenizer.Encode("a<s>a"));
    }

    [Theory]
    [InlineData("Whitespace", "Hey man! naïve—日本 x_1", "Hey|man|!|naïve|—|日本|x_1")]
    [InlineData("WhitespaceSplit", "Hey man!\u3000x\u200B", "Hey|man!|x\u200B")]
    [InlineData("Punctuation", "Hey friend!?$é", "Hey friend|!|?|$|é")]
    [InlineData("BertPreTokenizer", "Hey friend!     How are you?!?", "Hey|friend|!|How|are|you|?|!|?")]
    public void Words_are_those_of_the_kind(string kind, string text, string expected) => Assert.Equal(expected, Split(Read($$"""{ "type": "{{kind}}" }"""), text));

    [Theory]
    [InlineData("""{ "type": "CharDelimiterSplit", "delimiter": "🙂" }""", "a🙂b🙂🙂", "a|b")]
    [InlineData("""{ "type": "FixedLength", "length": 2 }""", "a🙂bcd", "a🙂|bc|d")]
    [InlineData("""{ "type": "Punctuation", "behavior": "Contiguous" }""", "a?!b", "a|?!|b")]
    [InlineData("""{ "type": "Split", "pattern": { "Regex": "(?=[A-Z])" }, "behavior": "Isolated", "invert": false }""", "camelCaseX", "camel|Case|X")]
    [InlineData("""{ "type": "Split", "pattern": { "Regex": "(?=[A-Z])" }, "behavior": "MergedWithPrevious", "invert": false }""", "camelCase", "camel|Case")]
    [InlineData("""{ "type": "Split", "pattern": { "String": "" }, "behavior": "Isolated", "invert": false }""", "ab", "a|b")]
    [InlineData("""{ "type": "Digits", "individual_digits": false }""", "a12½b", "a|12½|b")]
    public void Settings_count(string json, string text, string expected) => Assert.Equal(expected, Split(Read(json), text));

    [Fact]
    public void A_sequence_splits_what_the_part_before_has_split()
    {
        var sequence = new PreTokenizerSequence(
            [new SplitPreTokenizer(new CharacterPattern(CharacterProperties.Number), SplitBehavior.Isolated, invert: false),
                new ByteLevelPreTokenizer(addPrefixSpace: false, splitWords: true)]);
        Assert.Equal("year|Ġ|2|0|.|Ġok", Split(sequence, "year 20. ok"));
    }

    [Fact]
    public void An_expression_that_explodes_is_stopped()
    {
        var error = Assert.Throws<BeearException>(() => Split(
            new SplitPreTokenizer(new RegexPattern("(a|aa)+$", TimeSpan.FromMilliseconds(50)), SplitBehavior.Isolated, invert: false),
                new string('a', 60) + "b"));
        Assert.Contains("(a|aa)+$", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expression_that_is_slow_at_every_place_is_stopped()
    {
        var splitting = new SplitPreTokenizer(new RegexPattern(@"(?=(\d{3})+(?!\d))", TimeSpan.FromMilliseconds(50)),
            SplitBehavior.Isolated, invert: false);
        Assert.Throws<BeearException>(() => Split(splitting, new string('1', 100_000)));
    }

    private static IPreTokenizer Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return PreTokenizerReader.Read(new JsonPart(document.RootElement, "pre-tokenizer"), new PatternReader());
    }

    private static string Split(IPreTokenizer preTokenizer, string text)
    {
        var pieces = new List<TextPiece>();
        preTokenizer.Split(new TextPiece(text.AsMemory(), StartsText: true), pieces, new EncodingBudget(text.Length));
        return string.Join('|', pieces.Select(piece => piece.Text));
    }
}
