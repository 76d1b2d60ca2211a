using System.Runtime.InteropServices;
using System.Text;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>
/// The code points as one expression sees them: two that are in the same of its sets are the same letter. A letter is one UTF-16 code unit,
/// so that .NET's engine, which sees code units, sees code points.
/// </summary>
internal sealed class Alphabet
{
    private const int PageSize = 256;
    private const char FirstLetter = '\u4E00';
    private const int MostLetters = 20_000;

    private readonly char[][] pages = new char[CodePointSet.Limit / PageSize][];
    private readonly List<char>[] members;

    /// <summary>Finds the letters that tell the sets apart.</summary>
    public Alphabet(IReadOnlyList<CodePointSet> sets)
    {
        int[] starts = [.. sets.SelectMany(set => set.Bounds.ToArray()).Append(0).Where(bound => bound < CodePointSet.Limit)
            .Distinct().Order()];
        var letters = LettersOf(starts, sets, out members);
        var uniform = new Dictionary<char, char[]>();
        int segment = 0;
        for (int page = 0; page < pages.Length; page++)
        {
            int first = page * PageSize;
            while (segment + 1 < starts.Length && starts[segment + 1] <= first) segment++;
            if (segment + 1 == starts.Length || starts[segment + 1] >= first + PageSize)
            {
                ref var shared = ref CollectionsMarshal.GetValueRefOrAddDefault(uniform, letters[segment], out _);
                if (shared is null) Array.Fill(shared = new char[PageSize], letters[segment]);
                pages[page] = shared;
                continue;
            }
            pages[page] = new char[PageSize];
            for (int i = 0, at = segment; i < PageSize; i++)
            {
                while (at + 1 < starts.Length && starts[at + 1] <= first + i) at++;
                pages[page][i] = letters[at];
            }
        }
    }

    /// <summary>The letter of a code point.</summary>
    public char Letter(int codePoint) => pages[codePoint / PageSize][codePoint % PageSize];

    /// <summary>A set as a .NET character class of letters.</summary>
    public string ClassOf(int set)
    {
        if (members[set].Count == 0) return "(?!)";
        var written = new StringBuilder("[");
        for (int i = 0; i < members[set].Count; i++)
        {
            int last = i;
            while (last + 1 < members[set].Count && members[set][last + 1] == members[set][last] + 1) last++;
            written.Append(members[set][i]);
            if (last > i) written.Append('-').Append(members[set][last]);
            i = last;
        }
        return written.Append(']').ToString();
    }

    private static char[] LettersOf(int[] starts, IReadOnlyList<CodePointSet> sets, out List<char>[] members)
    {
        var letterOfSets = new Dictionary<string, char>(StringComparer.Ordinal);
        var letters = new char[starts.Length];
        members = [.. sets.Select(_ => new List<char>())];
        var inside = new char[sets.Count];
        var passed = new int[sets.Count]; // bounds of each set that lie at or before the segment's start
        for (int segment = 0; segment < starts.Length; segment++)
        {
            for (int set = 0; set < sets.Count; set++)
            {
                var bounds = sets[set].Bounds;
                while (passed[set] < bounds.Length && bounds[passed[set]] <= starts[segment]) passed[set]++;
                inside[set] = passed[set] % 2 == 1 ? '1' : '0';
            }
            string key = new(inside);
            if (!letterOfSets.TryGetValue(key, out char letter))
            {
                if (letterOfSets.Count == MostLetters) throw new BeearException(
                    "A regular expression of the tokenizer tells too many kinds of characters apart.");
                letterOfSets[key] = letter = (char)(FirstLetter + letterOfSets.Count);
                for (int set = 0; set < sets.Count; set++)
                    if (inside[set] == '1') members[set].Add(letter);
            }
            letters[segment] = letter;
        }
        return letters;
    }
}
