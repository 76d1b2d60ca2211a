using System.Globalization;

namespace Beear.Text.Tokenization.RegularExpressions;

/// <summary>An immutable set of Unicode code points, kept as the ascending places where membership changes.</summary>
/// <param name="bounds">Inside from each even-numbered bound up to, but without, the odd-numbered bound after it.</param>
internal sealed class CodePointSet(int[] bounds) : IEquatable<CodePointSet>
{
    /// <summary>Code points are below this.</summary>
    public const int Limit = 0x110000;

    private static readonly Lazy<CodePointSet[]> Categories = new(FindCategories);

    /// <summary>No code point.</summary>
    public static CodePointSet Empty { get; } = new([]);

    /// <summary>Every code point.</summary>
    public static CodePointSet All { get; } = new([0, Limit]);

    /// <summary>Where membership changes, ascending.</summary>
    public ReadOnlySpan<int> Bounds => bounds;

    /// <summary>The code points from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public static CodePointSet Range(int first, int last) => new([first, last + 1]);

    /// <summary>One code point.</summary>
    public static CodePointSet Of(int codePoint) => Range(codePoint, codePoint);

    /// <summary>The union of inclusive ranges.</summary>
    public static CodePointSet Ranges(params (int First, int Last)[] ranges) =>
        ranges.Aggregate(Empty, (set, range) => set | Range(range.First, range.Last));

    /// <summary>The code points of any of these general categories.</summary>
    public static CodePointSet OfCategories(params UnicodeCategory[] categories) =>
        categories.Aggregate(Empty, (set, category) => set | Categories.Value[(int)category]);

    /// <summary>Union.</summary>
    public static CodePointSet operator |(CodePointSet left, CodePointSet right) =>
        Combine(left, right, (inLeft, inRight) => inLeft || inRight);

    /// <summary>Intersection.</summary>
    public static CodePointSet operator &(CodePointSet left, CodePointSet right) =>
        Combine(left, right, (inLeft, inRight) => inLeft && inRight);

    /// <summary>Complement.</summary>
    public static CodePointSet operator ~(CodePointSet set) => Combine(set, All, (inSet, _) => !inSet);

    /// <summary>Whether a code point is in the set.</summary>
    public bool Contains(int codePoint)
    {
        int place = Array.BinarySearch(bounds, codePoint);
        return place >= 0 ? place % 2 == 0 : ~place % 2 == 1;
    }

    /// <summary>The set with everything that differs from a member only by case.</summary>
    public CodePointSet IgnoringCase()
    {
        var all = this;
        foreach (var variants in CaseVariants.All)
        {
            if (!Array.Exists(variants, Contains)) continue;
            foreach (int variant in variants)
                if (!all.Contains(variant)) all |= Of(variant);
        }
        return all;
    }

    /// <inheritdoc/>
    public bool Equals(CodePointSet? other) => other is not null && Bounds.SequenceEqual(other.Bounds);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CodePointSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (int bound in bounds) hash.Add(bound);
        return hash.ToHashCode();
    }

    private static CodePointSet Combine(CodePointSet left, CodePointSet right, Func<bool, bool, bool> isInside)
    {
        ReadOnlySpan<int> a = left.Bounds, b = right.Bounds;
        var combined = new List<int>(a.Length + b.Length);
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            int place = Math.Min(i < a.Length ? a[i] : Limit, j < b.Length ? b[j] : Limit);
            if (i < a.Length && a[i] == place) i++;
            if (j < b.Length && b[j] == place) j++;
            if (isInside(i % 2 == 1, j % 2 == 1) == (combined.Count % 2 == 0)) combined.Add(place);
        }
        return new CodePointSet([.. combined]);
    }

    private static CodePointSet[] FindCategories()
    {
        var found = new List<int>[(int)UnicodeCategory.OtherNotAssigned + 1];
        for (int i = 0; i < found.Length; i++) found[i] = [];
        int start = 0;
        var current = CharUnicodeInfo.GetUnicodeCategory(0);
        for (int codePoint = 1; codePoint <= Limit; codePoint++)
        {
            var category = codePoint < Limit ? CharUnicodeInfo.GetUnicodeCategory(codePoint) : (UnicodeCategory)(-1);
            if (category == current) continue;
            found[(int)current].AddRange([start, codePoint]);
            (start, current) = (codePoint, category);
        }
        return Array.ConvertAll(found, places => new CodePointSet([.. places]));
    }
}
