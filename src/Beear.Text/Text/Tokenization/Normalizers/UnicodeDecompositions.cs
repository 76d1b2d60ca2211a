using System.Globalization;

namespace Beear.Text.Tokenization.Normalizers;

/// <summary>What Unicode says about decompositions, combining classes and compositions (Resources/unicode-normalization.txt).</summary>
internal sealed class UnicodeDecompositions
{
    // Hangul syllables: leading consonant, vowel and perhaps a trailing consonant, in arithmetic order.
    private const int FirstSyllable = 0xAC00, Syllables = 11172, FirstLeading = 0x1100, Leadings = 19;
    private const int FirstVowel = 0x1161, Vowels = 21, BeforeTrailing = 0x11A7, Trailings = 28;

    private static readonly Lazy<UnicodeDecompositions> Shared = new(Read);

    private readonly Dictionary<int, (int[] Parts, bool IsCompatibility)> decompositions = [];
    private readonly Dictionary<int, byte> classes = [];
    private readonly Dictionary<(int First, int Second), int> compositions = [];

    /// <summary>The data, read when they are first needed.</summary>
    public static UnicodeDecompositions Instance => Shared.Value;

    /// <summary>The canonical combining class; 0 for all that are not marks of a kind.</summary>
    public byte CombiningClass(int codePoint) => classes.GetValueOrDefault(codePoint);

    /// <summary>Appends the full decomposition of a code point; itself if it has none.</summary>
    public void Decompose(int codePoint, bool compatibly, List<int> output)
    {
        int syllable = codePoint - FirstSyllable;
        if (syllable is >= 0 and < Syllables)
        {
            output.Add(FirstLeading + (syllable / (Vowels * Trailings)));
            output.Add(FirstVowel + (syllable / Trailings % Vowels));
            if (syllable % Trailings is var trailing and > 0) output.Add(BeforeTrailing + trailing);
        }
        else if (decompositions.TryGetValue(codePoint, out var found) && (compatibly || !found.IsCompatibility))
        {
            foreach (int part in found.Parts) Decompose(part, compatibly, output);
        }
        else
        {
            output.Add(codePoint);
        }
    }

    /// <summary>The one code point that two are together; null if there is none.</summary>
    public int? Compose(int first, int second)
    {
        int leading = first - FirstLeading, vowel = second - FirstVowel;
        if (leading is >= 0 and < Leadings && vowel is >= 0 and < Vowels) return FirstSyllable + (((leading * Vowels) + vowel) * Trailings);
        int syllable = first - FirstSyllable, trailing = second - BeforeTrailing;
        if (syllable is >= 0 and < Syllables && syllable % Trailings == 0 && trailing is > 0 and < Trailings) return first + trailing;
        return compositions.TryGetValue((first, second), out int composed) ? composed : null;
    }

    private static UnicodeDecompositions Read()
    {
        using var stream = typeof(UnicodeDecompositions).Assembly.GetManifestResourceStream("unicode-normalization.txt")
            ?? throw new InvalidOperationException("The resource unicode-normalization.txt is missing from the assembly.");
        using var reader = new StreamReader(stream);
        var data = new UnicodeDecompositions();
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split(' ');
            if (fields[0] == "c")
                data.AddClass(byte.Parse(fields[1]), fields[2..]);
            else if (fields[0] != "#")
                data.AddDecomposition(fields[0], [.. fields[1..].Select(Hexadecimal)]);
        }
        return data;
    }

    private void AddClass(byte combiningClass, string[] ranges)
    {
        foreach (string range in ranges)
        {
            int[] ends = [.. range.Split('-').Select(Hexadecimal)];
            for (int codePoint = ends[0]; codePoint <= ends[^1]; codePoint++) classes[codePoint] = combiningClass;
        }
    }

    private void AddDecomposition(string kind, int[] codePoints)
    {
        decompositions[codePoints[0]] = (codePoints[1..], kind == "~");
        if (kind == "=") compositions[(codePoints[1], codePoints[2])] = codePoints[0];
    }

    private static int Hexadecimal(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
