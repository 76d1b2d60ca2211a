using Beear.Lab.World;

namespace Beear.Tests.World;

public class ExactTasksTests
{
    private static readonly string[] Numbers =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

    [Fact]
    public void Sorted_numbers_are_those_asked_for_in_order() => ForEach(WorldTask.Sort, (request, answer) =>
        Assert.Equal(NumbersOf(request).Order(), NumbersOf(answer)));

    [Fact]
    public void Counting_goes_in_steps_of_one_between_the_ends() => ForEach(WorldTask.Count, (request, answer) =>
    {
        var (ends, counted) = (NumbersOf(request), NumbersOf(answer));
        Assert.Equal((ends[0], ends[1]), (counted[0], counted[^1]));
        Assert.All(counted.Zip(counted.Skip(1)), step => Assert.Equal(Math.Sign(ends[1] - ends[0]), step.Second - step.First));
    });

    [Fact]
    public void Comparison_names_the_larger_or_smaller() => ForEach(WorldTask.Compare, (request, answer) =>
    {
        bool larger = request.Contains("more") || request.Contains("larger");
        Assert.Equal(larger ? NumbersOf(request).Max() : NumbersOf(request).Min(), Assert.Single(NumbersOf(answer)));
    });

    [Fact]
    public void Neighbours_are_one_apart() => ForEach(WorldTask.Neighbour, (request, answer) =>
        Assert.Equal(request.Contains("after") ? 1 : -1, NumbersOf(answer).Single() - NumbersOf(request).Single()));

    [Fact]
    public void Repetition_says_the_word_as_often_as_asked() => ForEach(WorldTask.Repeat, (request, answer) =>
    {
        var said = answer.Split(' ')[1..^1];
        Assert.Contains(Assert.Single(said.Distinct()), request.Split(' '));
        Assert.Equal(NumbersOf(request).Single(), said.Length);
    });

    [Fact]
    public void Position_names_the_first_or_last_of_three_words() => ForEach(WorldTask.Position, (request, answer) =>
    {
        var words = request.Split(' ').Where(WorldFacts.Things.Contains).ToArray();
        Assert.Equal(3, words.Distinct().Count());
        Assert.Equal($"it is {(request.Contains("first") ? words[0] : words[2])} .", answer);
    });

    [Fact]
    public void Facts_are_functions_so_that_every_question_has_one_answer()
    {
        Assert.All([WorldFacts.Capitals, WorldFacts.Opposites, WorldFacts.Colours, WorldFacts.Sounds, WorldFacts.Young, WorldFacts.Kinds],
            facts => Assert.Equal(facts.Count, facts.Select(fact => fact.Key).Distinct().Count()));
        var answers = ExactTasks.All.SelectMany(task => Draw(task, 1500)).GroupBy(example => example.Request);
        Assert.All(answers, group => Assert.Single(group.Select(example => example.Answer).Distinct()));
    }

    private static void ForEach(WorldTask task, Action<string, string> check) =>
        Assert.All(Draw(task, 500), example => check(example.Request, example.Answer));

    private static List<WorldExample> Draw(WorldTask task, int count)
    {
        var random = new Random(3);
        return Enumerable.Range(0, count).Select(_ => ExactTasks.Draw(task, random)).ToList();
    }

    private static int[] NumbersOf(string text) =>
        [.. text.Split(' ').Select(word => Array.IndexOf(Numbers, word) + 1).Where(number => number > 0)];
}
