using Beear.Text.Tokenization;
using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Tests.Text.Tokenization;

/// <summary>Oniguruma's syntax, after its documentation (doc/RE) and its matching of code points.</summary>
public class RegexPatternTests
{
    [Theory]
    [InlineData("a++b", "aab", "aab")]
    [InlineData("a++ab", "aaab", "")] // possessive: gives nothing back
    [InlineData("(?:ab)*+", "ababx", "abab|")]
    [InlineData("a{2}+", "aaaaa", "aaaa")] // not possessive but repeated
    [InlineData("a{2}?", "aaa", "aa|")] // not lazy but optional
    [InlineData("a{1,3}?", "aaa", "a|a|a")]
    [InlineData("a{,2}", "aaa", "aa|a")]
    [InlineData("a{x}", "a{x}", "a{x}")]
    [InlineData("x{,}", "x{,}", "x{,}")]
    [InlineData("(?>a+)b", "aab", "aab")]
    [InlineData("^a", "a\na\n", "a|a")] // always at the start of each line
    [InlineData("a$", "a\na", "a|a")]
    [InlineData(@"\Aa|a\z", "a\na", "a|a")]
    [InlineData(@"a\Z", "a\n", "a")]
    [InlineData(".", "a\nb", "a|b")]
    [InlineData("(?m:.)", "a\nb", "a|\n|b")]
    [InlineData("(?i:'s|k)", "'S'\u017F\u212A", "'S|'\u017F|\u212A")] // long s, and Kelvin's sign
    [InlineData("(?i)[à-ö]", "ÀÖ×", "À|Ö")]
    [InlineData("a(?i)b|c", "aB aC c", "aB|aC")] // the rest of the group, alternatives included
    [InlineData("(?-i:a)(?i:b(?-i)c)", "aBc aBC", "aBc")]
    [InlineData("(?x) a b # c\n | \\ ", "ab ", "ab| ")]
    [InlineData(@"\s", "\u0085\u00A0\u3000\u200B\u180E", "\u0085|\u00A0|\u3000")]
    [InlineData(@"\w+", "é_1\u0301-²𝐀√", "é_1\u0301|²𝐀")]
    [InlineData(@"[\w]+", "é_1\u0301-²𝐀", "é_1\u0301|𝐀")] // not so in a class
    [InlineData(@"\d", "1٣²½𝟙", "1|٣|𝟙")]
    [InlineData(@"\h+\H", "fFg", "fFg")]
    [InlineData(@"\p{Lu}\p{^Lu}\P{Lu}", "Aaa", "Aaa")]
    [InlineData(@"\p{Uppercase_Letter}|\p{letter number}", "aAⅣ", "A|Ⅳ")]
    [InlineData(@"\pL+", "ab1", "ab")]
    [InlineData(@"[\p{Han}\p{Hiragana}]+", "漢字かなカナ𠀀", "漢字かな|𠀀")]
    [InlineData("[\\p{L}&&[^a-c]]+", "abcdef", "def")]
    [InlineData("[a-z&&b-y&&[^m]]+", "almnz", "l|n")]
    [InlineData("[[:punct:]]+|[[:^space:]]", "$.a ", "$.|a")]
    [InlineData("[]a]+", "]a", "]a")]
    [InlineData("[a-]+", "-a", "-a")]
    [InlineData(@"[\w-]+", "a-b", "a-b")]
    [InlineData("[🙂-🙄]", "🙂🙃a🙅", "🙂|🙃")] // a range beyond sixteen bits
    [InlineData(@"\x{1F642}|\u0061|\x62", "🙂ab", "🙂|a|b")]
    [InlineData("[^a]", "a🙂", "🙂")]
    [InlineData(@"\bab\b", "ab é ab1 ab", "ab|ab")]
    [InlineData(@"\b", "a ²", "|||")] // a superscript is a word
    [InlineData("[[:punct:]]+", "€+!~", "€+!~")]
    [InlineData(@"a\B", "ab a", "a")]
    [InlineData(@"(?<=a)b|b(?=c)|(?<!a)d(?!e)", "ab bc dx de", "b|b|d")]
    [InlineData("(?<name>a)(b)(?#comment)", "ab", "ab")]
    [InlineData(@"\R", "\r\n\n\u2028", "\r\n|\n|\u2028")]
    [InlineData("", "ab", "||")] // before a and b, and at the end
    [InlineData("b*", "ab", "|b")] // none right behind a match
    [InlineData(@"(?=(?:\d{3})+(?!\d))", "1234567", "|")] // before 234 and 567
    public void Matches_are_those_of_Oniguruma(string pattern, string text, string expected)
    {
        var matches = new List<TextSpan>();
        new RegexPattern(pattern).FindMatches(text, matches, new EncodingBudget(text.Length));
        Assert.Equal(expected, string.Join('|', matches.Select(match => text[match.Start..match.End])));
    }

    [Theory]
    [InlineData("(", "not closed")]
    [InlineData("a)", "closes nothing")]
    [InlineData("[a", "not closed")]
    [InlineData("*a", "nothing that a quantifier")]
    [InlineData(@"(a)\1", "references")]
    [InlineData(@"\p{Klingon}", "Klingon")]
    [InlineData(@"\K", @"\K")]
    [InlineData(@"\X", @"\X")]
    [InlineData("(?~a)", "not supported")]
    [InlineData("a{3,2}", "repetition")]
    [InlineData("a{200000}", "repetition")]
    [InlineData("[b-a]", "range")]
    [InlineData("[[:alpha:]]", "alpha")]
    [InlineData(@"\x{110000}", "110000")]
    [InlineData(@"a\", "ends with")]
    public void What_is_malformed_or_unknown_is_named(string pattern, string named)
    {
        var error = Assert.Throws<BeearException>(() => new RegexPattern(pattern));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_and_long_expressions_are_refused()
    {
        Assert.Throws<BeearException>(() => new RegexPattern(new string('(', 5000)));
        Assert.Throws<BeearException>(() => new RegexPattern(new string('[', 5000)));
        Assert.Throws<BeearException>(() => new RegexPattern(new string('a', 100_000)));
        Assert.Throws<BeearException>(() => new RegexPattern(string.Concat(Enumerable.Range(0x4E00, 5000).Select(code => (char)code))));
    }
}
