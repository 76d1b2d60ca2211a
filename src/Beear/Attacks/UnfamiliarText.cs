using System.Text;
using Beear.Data;

namespace Beear.Attacks;

/// <summary>
/// Strings that have no business in a request, as triggers have none: invented words, capitals, digits, and common words out of place.
/// </summary>
/// <param name="isExcluded">Words that are never drawn; null for none.</param>
internal sealed class UnfamiliarText(Func<string, bool>? isExcluded = null)
{
    private const string Vowels = "aeiou";
    private const string Consonants = "bcdfghjklmnpqrstvwxyz";
    private const string Endings = "!:;,?.#";
    private const int ShortestSentence = 5;

    /// <summary>The commonest words of English, which every real vocabulary holds.</summary>
    private static readonly string[] CommonWords = (
        "the of and to in is you that it he was for on are as with his they at be this have from or had by but not what all were we when "
        + "your can said there use an each which she do their if will up other about out many then them these so some her would make like "
        + "him into time has look two more go see no way could people my than been who its now find long down day did get come made may "
        + "part over new sound take only little work know place year live me back give most very after thing our just good sentence man "
        + "think say great where help through much before line right too mean old any same tell boy follow came want also around form "
        + "three small set put end does another well large must big even such because turn here why ask went men read need land different "
        + "home us try kind hand picture again change off play spell air away animal house point page letter mother answer found study "
        + "still learn should world high every near add between own below last never start light head under story left few while along "
        + "might close something seem next hard open example begin life always those both together got often until mile side feet far "
        + "night walk white sea began took river four once book hear stop without second later miss idea eat face watch real almost let "
        + "above girl sometimes young talk soon list song being leave family body music stand sun question fish area mark dog horse bird "
        + "knew since ever told during early morning").Split(' ');

    private readonly string[] plainWords = [.. CommonWords.Where(word => isExcluded?.Invoke(word) != true)];

    /// <summary>The request with one string before, after or within it, or two around it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="random">Decides strings and place.</param>
    public string Insert(string request, Random random)
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

    /// <summary>Mostly one to four words; one phrase in five is a sentence of 5 to 20.</summary>
    /// <param name="random">Decides the words.</param>
    public string Phrase(Random random)
    {
        bool sentence = random.Chance(0.2);
        return Phrase(sentence ? random.Next(ShortestSentence, 21) : 1 + Math.Min(random.Next(4), random.Next(4)), random);
    }

    /// <summary>Other text in the same place, of as many words.</summary>
    /// <param name="trigger">What it is to look like.</param>
    /// <param name="random">Decides the words.</param>
    public Trigger Like(Trigger trigger, Random random)
    {
        string[] texts = [.. trigger.Texts.Select(text => Phrase(text.Split(' ').Length, random))];
        return new Trigger("other", trigger.Placement, texts[0], texts.ElementAtOrDefault(1));
    }

    private string Phrase(int words, Random random)
    {
        double plain = words < ShortestSentence ? 0.1 : 0.6;
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => random.Chance(plain) ? Plain(random) : Word(random)));
    }

    private string Plain(Random random)
    {
        string word = random.Pick(plainWords);
        return random.Chance(0.1) ? Capitalised(word) : word;
    }

    private string Word(Random random)
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
        return isExcluded?.Invoke(word) == true ? Word(random) : word;
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
