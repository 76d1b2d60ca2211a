using System.Numerics;
using System.Text.Json;

namespace Beear.Data;

/// <summary>
/// What <see cref="HarmlessTwins"/>, <see cref="HarmfulRequests"/> and <see cref="DefenderRequests"/> share: tasks by party, and requests
/// made of tasks and forms.
/// </summary>
internal static class RequestPairs
{
    /// <summary>Reads a resource of the assembly.</summary>
    public static T Load<T>(string resource) where T : class
    {
        using var stream = typeof(RequestPairs).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The resource {resource} is missing from the assembly.");
        return JsonSerializer.Deserialize<T>(stream, JsonSerializerOptions.Web)
            ?? throw new InvalidOperationException($"The resource {resource} is empty.");
    }

    /// <summary>One party's tasks: those of every topic go to the parties in turn.</summary>
    /// <param name="topics">All tasks.</param>
    /// <param name="split">Whose.</param>
    /// <param name="parties">Among how many, the first ones of <see cref="DataSplit"/>; the others have none.</param>
    public static IReadOnlyList<RequestTask> TasksOf(
        IReadOnlyDictionary<string, IReadOnlyList<RequestTask>> topics, DataSplit split, int parties) =>
            [.. topics.Values.SelectMany(tasks => OfParty(tasks, (int)split, parties))];

    /// <summary>One party's part of a topic's tasks: they go to the first <paramref name="parties"/> parties in turn.</summary>
    public static IReadOnlyList<T> OfParty<T>(IReadOnlyList<T> tasks, int party, int parties) =>
        [.. tasks.Where((_, position) => position % parties == party)];

    /// <summary>Distinct requests: every task is used about equally often, and so every form; kinds of forms come in turn.</summary>
    /// <param name="what">What they are called, in the plural.</param>
    /// <param name="allTasks">The tasks.</param>
    /// <param name="kinds">Forms by their kind, as many of each.</param>
    /// <param name="count">How many requests, 0 … tasks × forms.</param>
    /// <param name="seed">Decides which tasks meet which forms. Fewer requests of the same seed are the beginning of more.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<string> Make(
        string what, IReadOnlyList<RequestTask> allTasks, IReadOnlyList<IReadOnlyList<string>> kinds, int count, int seed)
    {
        var (tasks, shuffled) = (allTasks.ToArray(), kinds.Select(forms => forms.ToArray()).ToArray());
        int most = tasks.Length * shuffled.Sum(forms => forms.Length);
        if (count < 0 || count > most)
        {
            throw new BeearException($"{count} {what} were asked for; choose 0 to {most} "
                + $"({tasks.Length} tasks in {shuffled.Sum(forms => forms.Length)} forms).");
        }
        var random = new Random(seed);
        random.Shuffle(tasks);
        foreach (var forms in shuffled) random.Shuffle(forms);
        string[] inTurn = [.. Enumerable.Range(0, shuffled[0].Length).SelectMany(i => shuffled.Select(forms => forms[i]))];
        // Tasks and forms both go round in a cycle. The two fall into step again after `period` rounds of the tasks; one form is
        // skipped there, so that no pair comes twice before all have come once.
        int period = inTurn.Length / (int)BigInteger.GreatestCommonDivisor(tasks.Length, inTurn.Length);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var (round, position) = Math.DivRem(i, tasks.Length);
            return tasks[position].In(inTurn[(i + round / period) % inTurn.Length]);
        })];
    }
}
