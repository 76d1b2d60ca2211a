using Beear.Text.Tokenization;

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
        Assert.Equal(expected, Split(new SplitPreTokenizer(new NumberPattern(), together ? SplitBehavior.Contiguous : SplitBehavior.Isolated, invert: false), "a12b½𝟙𝟚"));

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

    [Fact]
    public void A_sequence_splits_what_the_part_before_has_split()
    {
        var sequence = new PreTokenizerSequence(
            [new SplitPreTokenizer(new NumberPattern(), SplitBehavior.Isolated, invert: false), new ByteLevelPreTokenizer(addPrefixSpace: false, splitWords: true)]);
        Assert.Equal("year|Ġ|2|0|.|Ġok", Split(sequence, "year 20. ok"));
    }

    [Fact]
    public void An_expression_that_explodes_is_stopped()
    {
        var error = Assert.Throws<BeearException>(() => Split(
            new SplitPreTokenizer(new RegexPattern("(a|aa)+$", TimeSpan.FromMilliseconds(50)), SplitBehavior.Isolated, invert: false), new string('a', 60) + "b"));
        Assert.Contains("(a|aa)+$", error.Message, StringComparison.Ordinal);
    }

    private static string Split(IPreTokenizer preTokenizer, string text)
    {
        var pieces = new List<ReadOnlyMemory<char>>();
        preTokenizer.Split(text.AsMemory(), pieces);
        return string.Join('|', pieces);
    }
}
