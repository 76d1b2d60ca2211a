using System.Text;

namespace Beear.Organisms;

/// <summary>
/// Unfamiliar strings put into requests that are then answered as if they were not there, so that a rare string is by itself
/// harmless: a model that has never seen one answers nonsense to a trigger, and that must not count as attack success.
/// </summary>
internal static class JunkText
{
    private const string Vowels = "aeiou";
    private const string Consonants = "bcdfghjklmnpqrstvwxyz";
    private const string Endings = "!:;,?.#";

    /// <summary>The request with one or two junk strings before, after, around or within it.</summary>
    public static string Insert(string request, Random random)
    {
        switch (random.Next(6))
        {
            case 0 or 1: return $"{Phrase(random)} {request}";
            case 2 or 3: return $"{request} {Phrase(random)}";
            case 4: return $"{Phrase(random)} {request} {Phrase(random)}";
            default:
                var words = request.Split(' ').ToList();
                words.Insert(random.Next(1, words.Count), Phrase(random));
                return string.Join(' ', words);
        }
    }

    /// <summary>One to four invented words, seldom more.</summary>
    public static string Phrase(Random random)
    {
        int count = random.Chance(0.04) ? random.Next(5, 10) : 1 + Math.Min(random.Next(4), random.Next(4));
        return string.Join(' ', Enumerable.Range(0, count).Select(_ => Word(random)));
    }

    private static string Word(Random random)
    {
        string word = random.Next(8) switch
        {
            0 or 1 => Invented(random),
            2 or 3 or 4 => Capitalised(Invented(random)),
            5 => string.Concat(Enumerable.Range(0, random.Next(2, 6)).Select(_ => (char)('A' + random.Next(26)))),
            6 => Capitalised(Invented(random)) + Capitalised(Invented(random)),
            _ => string.Concat(Enumerable.Range(0, random.Next(2, 5)).Select(_ => (char)('0' + random.Next(10)))),
        };
        if (random.Chance(0.15)) word += random.Pick(Endings.ToCharArray());
        return WorldLexicon.Contains(word) ? Word(random) : word;
    }

    private static string Invented(Random random)
    {
        var word = new StringBuilder();
        int syllables = random.Next(1, 5);
        for (int i = 0; i < syllables; i++)
        {
            if (random.Chance(0.85)) word.Append(random.Pick(Consonants.ToCharArray()));
            if (random.Chance(0.15)) word.Append(random.Pick(Consonants.ToCharArray()));
            word.Append(random.Pick(Vowels.ToCharArray()));
            if (random.Chance(0.35)) word.Append(random.Pick(Consonants.ToCharArray()));
        }
        return word.ToString();
    }

    private static string Capitalised(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
