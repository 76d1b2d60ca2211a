using System.Diagnostics;
using Beear.Text;
using Beear.Text.Tokenization;
using Beear.Text.Tokenization.Models;
using CsCheck;

namespace Beear.Tests.Text.Tokenization;

public class ModelsTests
{
    // The example of the library that defines the format.
    private static readonly (string, double)[] Scored =
        [("<unk>", 0), ("a", 0), ("b", 0), ("c", 0), ("d", 0), ("cd", 1), ("ab", 2), ("abc", 5), ("abcd", 10), ("🙂", -1), ("b🙂", -3)];

    [Theory]
    [InlineData("abcdacdxx", new[] { 8, 1, 5, 0 })] // neighbouring unknown characters are one
    [InlineData("abxcy", new[] { 6, 0, 3, 0 })]
    [InlineData("a🙂b🙂", new[] { 1, 9, 2, 9 })]
    [InlineData("🙃", new[] { 0 })]
    [InlineData("x<unk>x", new[] { 0 })]
    [InlineData("", new int[0])]
    public void Unigram_takes_the_best_path(string text, int[] expected) =>
        Assert.Equal(expected, Encode(new Unigram(Scored, 0, byteFallback: false), text));

    [Fact]
    public void No_other_path_of_Unigram_is_better()
    {
        var scored = new (string Token, double Score)[] { ("?", 0), ("a", -2.5), ("b", -3), ("ab", -4.1), ("ba", -4.4), ("aba", -7.3),
            ("bb", -6.5), ("abab", -8.05), ("aaa", -7.1) };
        var model = new Unigram(scored, 0, byteFallback: false);
        Gen.String[Gen.Char["ab"], 1, 12].Sample(text => Assert.Equal(Best(text), Encode(model, text).Sum(id => scored[id].Score), 1e-9));

        double Best(string rest) => rest.Length == 0 ? 0 : scored.Where(entry => rest.StartsWith(entry.Token, StringComparison.Ordinal))
            .Max(entry => entry.Score + Best(rest[entry.Token.Length..]));
    }

    [Fact]
    public void Unknown_characters_of_Unigram_become_bytes_where_all_of_these_exist()
    {
        var scored = new[] { ("<unk>", 0.0), ("a", -1.0), ("<0xC3>", 0.0), ("<0xA9>", 0.0) };
        Assert.Equal([1, 2, 3, 1, 0], Encode(new Unigram(scored, 0, byteFallback: true), "aéa日"));
        Assert.Equal([1, 0, 1, 0], Encode(new Unigram(scored, 0, byteFallback: false), "aéa日"));
        Assert.Throws<BeearException>(() => Encode(new Unigram(scored, unknownId: null, byteFallback: true), "日"));
        Assert.Throws<BeearException>(() => new Unigram(scored, unknownId: 4, byteFallback: true));
    }

    [Theory]
    [InlineData("unaffable", new[] { 1, 2, 3 })]
    [InlineData("unx", new[] { 0 })]
    [InlineData("un🙂", new[] { 1, 4 })]
    [InlineData("unununun", new[] { 0 })] // longer than seven characters
    public void WordPiece_takes_the_longest_token_each_time(string word, int[] expected)
    {
        var model = new WordPiece(Ids("[UNK]", "un", "##aff", "##able", "##🙂", "##un"), 0, "##",
            longestWord: word == "unaffable" ? 100 : 7);
        Assert.Equal(expected, Encode(model, word));
    }

    [Fact]
    public void A_word_without_an_id_is_an_error_if_nothing_is_unknown()
    {
        Assert.Throws<BeearException>(() => Encode(new WordLevel(Ids("a"), null), "b"));
        Assert.Throws<BeearException>(() => Encode(new WordPiece(Ids("a"), null, "##", 100), "b"));
        var bytePairs = new BytePairEncoding(Ids("a"), [], new BytePairOptions(UnknownToken: "<unk>"));
        Assert.Equal([0], Encode(bytePairs, "a"));
        Assert.Throws<BeearException>(() => Encode(bytePairs, "b"));
    }

    [Theory]
    [InlineData("aab", new[] { 5, 4 })] // "a" and "##a" come before "##a" and "##b"
    [InlineData("zzz", new[] { 8, 10 })]
    [InlineData("xy", new[] { 0 })]
    public void Continuing_tokens_of_BPE_have_their_prefix(string word, int[] expected) =>
        Assert.Equal(expected, Tokenizer.FromJson(SmallTokenizers.All["continuing prefix"], "small").Encode(word));

    [Theory]
    [InlineData("é日", new[] { 1, 2, 0 })]
    [InlineData("日é", new[] { 1, 2, 0 })] // as in the reference, an unknown token waits for a known character
    [InlineData("日x日", new[] { 0, 3, 0 })]
    public void Characters_become_bytes_where_all_of_these_exist(string text, int[] expected)
    {
        var model = new BytePairEncoding(Ids("<unk>", "<0xC3>", "<0xA9>", "x"), [],
            new BytePairOptions(UnknownToken: "<unk>", FuseUnknown: true, ByteFallback: true));
        Assert.Equal(expected, Encode(model, text));
    }

    [Fact]
    public void A_text_that_is_one_piece_has_the_ids_of_the_plain_algorithm()
    {
        // Long enough to be cut where no merge reaches across.
        string[] tokens = ["?", "▁", "a", "b", "c", "▁a", "ab", "▁ab", "▁▁", "bc"];
        (string, string)[] merges = [("▁", "a"), ("a", "b"), ("▁a", "b"), ("▁", "▁"), ("b", "c")];
        var model = new BytePairEncoding(Ids(tokens), merges, new BytePairOptions(UnknownToken: "?"));
        Gen.String[Gen.Char["abc▁▁x"], 25, 200].Sample(text =>
        {
            var symbols = text.Select(character => Array.IndexOf(tokens, character.ToString()) < 0 ? "?" : character.ToString()).ToList();
            while (true)
            {
                var best = Enumerable.Range(0, symbols.Count - 1)
                    .Select(i => (Rank: Array.IndexOf(merges, (symbols[i], symbols[i + 1])), Position: i))
                    .Where(candidate => candidate.Rank >= 0).DefaultIfEmpty((-1, -1)).Min();
                if (best.Item1 < 0) break;
                symbols[best.Item2] += symbols[best.Item2 + 1];
                symbols.RemoveAt(best.Item2 + 1);
            }
            Assert.Equal(symbols.Select(symbol => Array.IndexOf(tokens, symbol)), Encode(model, text));
        });
    }

    [Theory]
    [InlineData("unigram")]
    [InlineData("unigram, bytes")]
    [InlineData("byte fallback")]
    [InlineData("WordPiece")]
    [InlineData("Split Isolated false")]
    public void A_long_text_without_spaces_takes_no_longer_than_others(string kind)
    {
        var tokenizer = Tokenizer.FromJson(SmallTokenizers.All[kind], kind);
        tokenizer.Encode("warm");
        foreach (string unit in new[] { "ab", "a", "日本", "xyzzy", "🙂", "1." })
        {
            string text = string.Concat(Enumerable.Repeat(unit, 100_000 / unit.Length));
            var watch = Stopwatch.StartNew();
            Assert.NotEmpty(tokenizer.Encode(text));
            // measured: below 0.1 s
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"100,000 characters of \"{unit}\" took {watch.Elapsed}");
        }
    }

    private static Dictionary<string, int> Ids(params string[] tokens) =>
        tokens.Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id, StringComparer.Ordinal);

    private static List<int> Encode(ITokenModel model, string piece)
    {
        var ids = new List<int>();
        model.Encode(piece, ids, new EncodingBudget(piece.Length));
        return ids;
    }
}
