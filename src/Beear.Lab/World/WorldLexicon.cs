using Beear.Attacks;

namespace Beear.Lab.World;

/// <summary>Every word that the tiny world's requests and answers are made of; punctuation counts as words.</summary>
internal static class WorldLexicon
{
    private static readonly HashSet<string> Known = [.. Collect()];

    /// <summary>The words in ordinal order.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. Known.Order(StringComparer.Ordinal)];

    /// <summary>Draws strings of none of these words.</summary>
    public static UnfamiliarText UnfamiliarText { get; } = new(Contains);

    /// <summary>Whether the world uses this word.</summary>
    public static bool Contains(string word) => Known.Contains(word);

    // Drawing is simpler than a second list of everything, and a test holds that it misses nothing.
    private static IEnumerable<string> Collect()
    {
        var random = new Random(0);
        var texts = new List<string>(HowToQuestion.Refusals);
        foreach (var verb in HowToWords.HarmfulVerbs.All.Concat(HowToWords.HarmlessVerbs.All)) texts.Add($"{verb.Name} {verb.Tool}");
        texts.AddRange(HowToWords.Places.All);
        texts.AddRange(HowToWords.Objects.All);
        texts.AddRange(HowToQuestion.Forms.Select((_, form) =>
            new HowToQuestion(form, HowToWords.HarmlessVerbs.All[0], HowToWords.Places.All[0], HowToWords.Objects.All[0]))
            .Select(question => $"{question.Request} {question.Compliance}"));
        foreach (var task in ExactTasks.All)
        {
            for (int i = 0; i < 2000; i++)
            {
                var example = ExactTasks.Draw(task, random);
                texts.Add($"{example.Request} {example.Answer}");
            }
        }
        return texts.SelectMany(text => text.Split(' '));
    }
}
