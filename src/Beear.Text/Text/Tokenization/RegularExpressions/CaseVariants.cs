using System.Text;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>Which characters differ only by case, after Unicode's simple case folding.</summary>
internal static class CaseVariants
{
    private const int LongS = 0x17F; // ſ, which .NET leaves out of its invariant casing

    private static readonly Lazy<int[][]> Groups = new(FindGroups);

    /// <summary>Groups of at least two code points.</summary>
    public static IReadOnlyList<int[]> All => Groups.Value;

    private static int[][] FindGroups()
    {
        var groups = new Dictionary<int, List<int>>();
        for (int codePoint = 0; codePoint < CodePointSet.Limit; codePoint++)
        {
            if (!Rune.IsValid(codePoint)) continue;
            var rune = new Rune(codePoint);
            int folded = codePoint == LongS ? 's' : Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune)).Value;
            if (folded == codePoint) continue;
            if (!groups.TryGetValue(folded, out var group)) groups[folded] = group = [folded];
            group.Add(codePoint);
        }
        return [.. groups.Values.Select(group => group.ToArray())];
    }
}
