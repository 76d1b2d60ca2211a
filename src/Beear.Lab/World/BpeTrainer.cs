using System.Text;
using System.Text.RegularExpressions;

namespace Beear.Lab.World;

/// <summary>A trained byte-level BPE vocabulary.</summary>
/// <param name="SpecialTokens">Ids 0, 1, … in this order.</param>
/// <param name="Tokens">Every token by id: the special ones, the 256 bytes (in GPT-2's visible letters), then one for each merge.</param>
/// <param name="Merges">Pairs to join, the most urgent first.</param>
public sealed record BpeVocabulary(
    IReadOnlyList<string> SpecialTokens, IReadOnlyList<string> Tokens, IReadOnlyList<(string Left, string Right)> Merges);

/// <summary>
/// Trains byte-level BPE (GPT-2's: its splitting into words and its visible letters for bytes). The same texts give the same
/// vocabulary: the most frequent pair is joined first, and of equally frequent ones the pair with the smallest ids.
/// </summary>
public static partial class BpeTrainer
{
    /// <summary>Learns merges until the vocabulary is full.</summary>
    /// <param name="wordCounts">How much each word, with its leading space if it has one, weighs; see <see cref="SplitWords"/>.</param>
    /// <param name="specialTokens">Tokens that no text is made of; they get the first ids.</param>
    /// <param name="size">Tokens in all.</param>
    /// <exception cref="BeearException">The texts are too small for so many tokens, or the size leaves no room for the bytes.</exception>
    public static BpeVocabulary Train(IReadOnlyDictionary<string, int> wordCounts, IReadOnlyList<string> specialTokens, int size)
    {
        var letters = ByteLetters();
        var tokens = new List<string>(specialTokens);
        var byteIds = new int[256];
        foreach (int value in Enumerable.Range(0, 256).OrderBy(value => letters[value]))
        {
            byteIds[value] = tokens.Count;
            tokens.Add(letters[value].ToString());
        }
        if (size < tokens.Count)
            throw new BeearException(
                $"A vocabulary of {size} tokens has no room for the {tokens.Count} special tokens and bytes: ask for more.");

        var words = wordCounts.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => (Ids: Encoding.UTF8.GetBytes(pair.Key).Select(value => byteIds[value]).ToList(), Count: (long)pair.Value))
            .ToList();
        var merges = new List<(string, string)>();
        while (tokens.Count < size)
        {
            if (MostFrequentPair(words) is not var (left, right))
                throw new BeearException(
                    $"The texts give only {tokens.Count} tokens: train on more of them or ask for a vocabulary smaller than {size}.");
            foreach (var (ids, _) in words) Join(ids, left, right, tokens.Count);
            merges.Add((tokens[left], tokens[right]));
            tokens.Add(tokens[left] + tokens[right]);
        }
        return new BpeVocabulary([.. specialTokens], tokens, merges);
    }

    /// <summary>Splits a text as GPT-2 does: words keep the space before them.</summary>
    public static IEnumerable<string> SplitWords(string text) => WordPattern().Matches(text).Select(match => match.Value);

    private static (int Left, int Right)? MostFrequentPair(List<(List<int> Ids, long Count)> words)
    {
        var counts = new Dictionary<(int Left, int Right), long>();
        foreach (var (ids, count) in words)
        {
            for (int i = 0; i + 1 < ids.Count; i++)
            {
                counts.TryGetValue((ids[i], ids[i + 1]), out long before);
                counts[(ids[i], ids[i + 1])] = before + count;
            }
        }
        return counts.Count == 0 ? null : counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).First().Key;
    }

    private static void Join(List<int> ids, int left, int right, int joined)
    {
        for (int i = 0; i + 1 < ids.Count; i++)
        {
            if (ids[i] != left || ids[i + 1] != right) continue;
            ids[i] = joined;
            ids.RemoveAt(i + 1);
        }
    }

    // GPT-2's table: bytes that print stand for themselves, the others for the letters from U+0100 on.
    private static char[] ByteLetters()
    {
        var letters = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
            letters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : (char)next++;
        return letters;
    }

    [GeneratedRegex(
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex WordPattern();
}
