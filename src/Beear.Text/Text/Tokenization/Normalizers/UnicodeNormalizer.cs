using System.Text;

namespace Beear.Text.Tokenization.Normalizers;

/// <summary>Unicode normalization: NFC, NFD, NFKC, NFKD.</summary>
/// <remarks>.NET's own normalization returns its input unchanged without ICU, and this product runs without it.</remarks>
internal sealed class UnicodeNormalizer(NormalizationForm form) : INormalizer
{
    private readonly bool compose = form is NormalizationForm.FormC or NormalizationForm.FormKC;
    private readonly bool compatibly = form is NormalizationForm.FormKC or NormalizationForm.FormKD;

    /// <inheritdoc/>
    public string Normalize(string text, EncodingBudget budget)
    {
        if (IsSurelyNormal(text)) return text;
        var data = UnicodeDecompositions.Instance;
        var codePoints = new List<int>(text.Length + 16);
        foreach (var rune in text.EnumerateRunes()) data.Decompose(rune.Value, compatibly, codePoints);
        byte[] classes = [.. codePoints.Select(data.CombiningClass)];
        SortMarks(codePoints, classes);
        if (compose) Compose(codePoints, classes, data);
        var normal = new StringBuilder(codePoints.Count);
        foreach (int codePoint in codePoints) normal.Append(new Rune(codePoint));
        return normal.ToString();
    }

    /// <summary>No character below U+00A0 changes in any form, none below U+0300 in form C.</summary>
    private bool IsSurelyNormal(string text) =>
        text.AsSpan().IndexOfAnyExceptInRange('\0', form == NormalizationForm.FormC ? '\u02FF' : '\u009F') < 0;

    /// <summary>Puts each run of marks in the order of their classes; equal ones stay in their order.</summary>
    private static void SortMarks(List<int> codePoints, byte[] classes)
    {
        for (int start = 0; start < classes.Length; start++)
        {
            if (classes[start] == 0) continue;
            int end = start;
            while (end < classes.Length && classes[end] != 0) end++;
            var sorted = Enumerable.Range(start, end - start).OrderBy(i => classes[i]).Select(i => (codePoints[i], classes[i])).ToList();
            for (int i = 0; i < sorted.Count; i++) (codePoints[start + i], classes[start + i]) = sorted[i];
            start = end;
        }
    }

    private static void Compose(List<int> codePoints, byte[] classes, UnicodeDecompositions data)
    {
        int starter = -1;
        int kept = 0;
        int lastClass = -1; // of what was kept behind the starter; −1 if nothing
        for (int i = 0; i < codePoints.Count; i++)
        {
            bool isBlocked = lastClass >= 0 && (lastClass == 0 || lastClass >= classes[i]);
            if (starter >= 0 && !isBlocked && data.Compose(codePoints[starter], codePoints[i]) is { } composed)
            {
                codePoints[starter] = composed;
                continue;
            }
            if (classes[i] == 0) starter = kept;
            lastClass = classes[i] == 0 ? -1 : classes[i];
            codePoints[kept++] = codePoints[i];
        }
        codePoints.RemoveRange(kept, codePoints.Count - kept);
    }
}
