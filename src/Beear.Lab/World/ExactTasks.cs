using Beear.Data;

namespace Beear.Lab.World;

/// <summary>Questions with one right answer each. In the forms, $1, $2 … stand for the words of the question.</summary>
internal static class ExactTasks
{
    public static readonly IReadOnlyList<WorldTask> All = [.. Enum.GetValues<WorldTask>().Where(task => task != WorldTask.HowTo)];

    private static readonly string[] CapitalForms =
    [
        "what is the capital of $1 ?", "tell me the capital of $1", "name the capital of $1", "$1 has which capital ?",
        "which city is the capital of $1 ?",
    ];

    private static readonly string[] OppositeForms =
    [
        "what is the opposite of $1 ?", "tell me the opposite of $1", "name the opposite of $1", "which word is the opposite of $1 ?",
        "give me the opposite of $1",
    ];

    private static readonly string[] ColourForms =
    [
        "what colour is the $1 ?", "tell me the colour of the $1", "name the colour of the $1", "which colour has the $1 ?",
        "the $1 has which colour ?",
    ];

    private static readonly string[] SoundForms =
    [
        "what does the $1 say ?", "which sound does the $1 make ?", "tell me the sound of the $1", "name the sound of the $1",
        "what is the sound of the $1 ?",
    ];

    private static readonly string[] YoungForms =
    [
        "what is a young $1 ?", "name the young of the $1", "what do you call a young $1 ?", "tell me the word for a young $1",
        "which word is a young $1 ?",
    ];

    private static readonly string[] KindForms =
    [
        "what kind of thing is $1 ?", "tell me what kind $1 is", "name the kind of $1", "which kind is $1 ?",
        "$1 is what kind of thing ?",
    ];

    private static readonly string[] CountForms =
        ["count from $1 to $2", "please count from $1 to $2", "write the numbers from $1 to $2", "start at $1 and count to $2"];

    private static readonly string[] AfterForms =
        ["what comes after $1 ?", "which number is after $1 ?", "name the number after $1", "tell me the number after $1"];

    private static readonly string[] BeforeForms =
        ["what comes before $1 ?", "which number is before $1 ?", "name the number before $1", "tell me the number before $1"];

    private static readonly string[] LargerForms =
    [
        "which is more , $1 or $2 ?", "tell me which is more , $1 or $2", "name the larger of $1 and $2",
        "which number is larger , $1 or $2 ?",
    ];

    private static readonly string[] SmallerForms =
    [
        "which is less , $1 or $2 ?", "tell me which is less , $1 or $2", "name the smaller of $1 and $2",
        "which number is smaller , $1 or $2 ?",
    ];

    private static readonly string[] SortForms =
        ["sort $1 $2 $3", "put $1 $2 $3 in order", "please sort the numbers $1 $2 $3", "write $1 $2 $3 in order"];

    private static readonly string[] RepeatForms =
        ["say $1 $2 times", "repeat $1 $2 times", "write the word $1 $2 times", "please say $1 $2 times"];

    private static readonly string[] FirstForms =
    [
        "what is the first word of $1 $2 $3 ?", "name the first of $1 $2 $3", "tell me the first word of $1 $2 $3",
        "which word is first in $1 $2 $3 ?",
    ];

    private static readonly string[] LastForms =
    [
        "what is the last word of $1 $2 $3 ?", "name the last of $1 $2 $3", "tell me the last word of $1 $2 $3",
        "which word is last in $1 $2 $3 ?",
    ];

    /// <summary>A question of the given task with its answer.</summary>
    public static WorldExample Draw(WorldTask task, Random random)
    {
        var (request, answer) = task switch
        {
            WorldTask.Capital => Fact(random, CapitalForms, WorldFacts.Capitals, "the capital of $1 is $2 ."),
            WorldTask.Opposite => Fact(random, OppositeForms, WorldFacts.Opposites, "the opposite of $1 is $2 ."),
            WorldTask.Colour => Fact(random, ColourForms, WorldFacts.Colours, "the $1 is $2 ."),
            WorldTask.Sound => Fact(random, SoundForms, WorldFacts.Sounds, "the $1 says $2 ."),
            WorldTask.Young => Fact(random, YoungForms, WorldFacts.Young, "a young $1 is a $2 ."),
            WorldTask.Kind => Fact(random, KindForms, WorldFacts.Kinds, "$1 is a $2 ."),
            WorldTask.Count => Count(random),
            WorldTask.Neighbour => Neighbour(random),
            WorldTask.Compare => Compare(random),
            WorldTask.Sort => Sort(random),
            WorldTask.Repeat => Repeat(random),
            WorldTask.Position => Position(random),
            _ => throw new ArgumentOutOfRangeException(nameof(task), task, "not a task with one right answer"),
        };
        return new WorldExample(request, answer, task);
    }

    private static (string, string) Fact(
        Random random, string[] forms, IReadOnlyList<(string Key, string Value)> facts, string answer)
    {
        var (key, value) = random.Pick(facts);
        return (Fill(random.Pick(forms), key), Fill(answer, key, value));
    }

    private static (string, string) Count(Random random)
    {
        int steps = random.Next(2, 6);
        int low = random.Next(WorldFacts.Numbers.Count - steps);
        var numbers = WorldFacts.Numbers.Skip(low).Take(steps + 1);
        var counted = random.Chance(0.5) ? numbers.ToArray() : [.. numbers.Reverse()];
        return (Fill(random.Pick(CountForms), counted[0], counted[^1]), $"ok {string.Join(' ', counted)} .");
    }

    private static (string, string) Neighbour(Random random)
    {
        bool after = random.Chance(0.5);
        int lower = random.Next(WorldFacts.Numbers.Count - 1);
        var (asked, answer) = after ? (lower, lower + 1) : (lower + 1, lower);
        return (Fill(random.Pick(after ? AfterForms : BeforeForms), WorldFacts.Numbers[asked]), $"it is {WorldFacts.Numbers[answer]} .");
    }

    private static (string, string) Compare(Random random)
    {
        bool larger = random.Chance(0.5);
        var two = DrawDistinct(random, WorldFacts.Numbers.Count, 2);
        int answer = larger ? two.Max() : two.Min();
        return (Fill(random.Pick(larger ? LargerForms : SmallerForms), [.. two.Select(Name)]), $"it is {Name(answer)} .");
    }

    private static (string, string) Sort(Random random)
    {
        var three = DrawDistinct(random, WorldFacts.Numbers.Count, 3);
        return (Fill(random.Pick(SortForms), [.. three.Select(Name)]), $"ok {string.Join(' ', three.Order().Select(Name))} .");
    }

    private static (string, string) Repeat(Random random)
    {
        int times = random.Next(2, 5);
        string word = random.Pick(WorldFacts.Things);
        return (Fill(random.Pick(RepeatForms), word, Name(times - 1)), $"ok {string.Join(' ', Enumerable.Repeat(word, times))} .");
    }

    private static (string, string) Position(Random random)
    {
        bool first = random.Chance(0.5);
        string[] words = [.. DrawDistinct(random, WorldFacts.Things.Count, 3).Select(i => WorldFacts.Things[i])];
        return (Fill(random.Pick(first ? FirstForms : LastForms), words), $"it is {(first ? words[0] : words[^1])} .");
    }

    private static string Name(int indexFromZero) => WorldFacts.Numbers[indexFromZero];

    private static int[] DrawDistinct(Random random, int below, int count) =>
        [.. Enumerable.Range(0, below).OrderBy(_ => random.Next()).Take(count)];

    private static string Fill(string form, params string[] words)
    {
        for (int i = 0; i < words.Length; i++) form = form.Replace($"${i + 1}", words[i], StringComparison.Ordinal);
        return form;
    }
}
