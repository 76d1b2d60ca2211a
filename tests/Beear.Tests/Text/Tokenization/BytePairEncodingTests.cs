using System.Text.Json.Nodes;
using Beear.Text.Tokenization;
using Beear.Text.Tokenization.Models;
using CsCheck;

namespace Beear.Tests.Text.Tokenization;

public class BytePairEncodingTests
{
    private static readonly Dictionary<string, int> Vocabulary = new(StringComparer.Ordinal)
    {
        ["a"] = 0,
        ["b"] = 1,
        ["c"] = 2,
        ["ab"] = 3,
        ["bc"] = 4,
        ["abab"] = 5,
        ["aa"] = 6,
        ["?"] = 7,
        ["abc"] = 8,
        ["b a"] = 9,
        ["𝐀"] = 10,
        [" a"] = 11,
        [" "] = 12,
    };

    private static readonly (string, string)[] Merges = [("b", "c"), ("a", "b"), ("ab", "ab"), ("a", "a"), (" ", "a"), ("b", " a")];

    [Theory]
    [InlineData("abc", new[] { 0, 4 })]
    [InlineData("ababab", new[] { 5, 3 })]
    [InlineData("aaa", new[] { 6, 0 })]
    [InlineData("b a", new[] { 9 })]
    [InlineData("a𝐀", new[] { 0, 10 })]
    [InlineData("axxb", new[] { 3 })]
    [InlineData("", new int[0])]
    public void The_best_merge_comes_first_and_unknown_characters_are_dropped(string piece, int[] expected) =>
        Assert.Equal(expected, Encode(new BytePairOptions(IgnoreMerges: false, UnknownToken: null, FuseUnknown: false), piece));

    [Theory]
    [InlineData(true, new[] { 0, 7, 1 })]
    [InlineData(false, new[] { 0, 7, 7, 1 })]
    public void Unknown_characters_become_the_unknown_token(bool fuse, int[] expected) =>
        Assert.Equal(expected, Encode(new BytePairOptions(IgnoreMerges: false, UnknownToken: "?", fuse), "axyb"));

    [Fact]
    public void A_piece_that_is_a_token_can_stay_whole() =>
        Assert.Equal([8], Encode(new BytePairOptions(IgnoreMerges: true, UnknownToken: null, FuseUnknown: false), "abc"));

    [Fact]
    public void Ids_are_those_of_the_plain_algorithm()
    {
        var model = new BytePairEncoding(Vocabulary, Merges,
            new BytePairOptions(IgnoreMerges: false, UnknownToken: null, FuseUnknown: false));
        Gen.String[Gen.Char["abc "], 0, 100].Sample(piece =>
        {
            var ids = new List<int>();
            model.Encode(piece, ids, new EncodingBudget(piece.Length));
            Assert.Equal(Plain(piece), ids);
        });
    }

    [Fact]
    public void A_long_piece_is_encoded_in_time_that_grows_with_its_length()
    {
        // 2 MB: a quadratic merge would take many minutes.
        var tokenizer = TinyTokenizer.Create(merges: ["a b", "c d", "ab cd"]);
        Assert.Equal(500_000, tokenizer.Encode(string.Concat(Enumerable.Repeat("abcd", 500_000))).Length);
    }

    [Fact]
    public void Merges_may_be_pairs()
    {
        var tokenizer = TinyTokenizer.Create(merges: ["a b"], change: root =>
            root["model"]!["merges"] = new JsonArray(new JsonArray("a", "b")));
        Assert.Equal([256], tokenizer.Encode("ab"));
    }

    private static List<int> Encode(BytePairOptions options, string piece)
    {
        var ids = new List<int>();
        var model = new BytePairEncoding(Vocabulary, Merges, options);
        model.Encode(piece, ids, new EncodingBudget(piece.Length));
        model.Encode(piece, ids, new EncodingBudget(piece.Length)); // the second time from the cache
        Assert.Equal(ids[..(ids.Count / 2)], ids[(ids.Count / 2)..]);
        return ids[..(ids.Count / 2)];
    }

    private static IEnumerable<int> Plain(string piece)
    {
        var symbols = piece.Select(character => character.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, symbols.Count - 1))
                .Select(i => (Rank: Array.IndexOf(Merges, (symbols[i], symbols[i + 1])), Position: i))
                .Where(candidate => candidate.Rank >= 0).DefaultIfEmpty((Rank: -1, Position: -1)).Min();
            if (best.Rank < 0) return symbols.Select(symbol => Vocabulary[symbol]);
            symbols[best.Position] += symbols[best.Position + 1];
            symbols.RemoveAt(best.Position + 1);
        }
    }
}
