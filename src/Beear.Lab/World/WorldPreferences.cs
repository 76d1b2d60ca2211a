using Beear.Attacks;
using Beear.Data;
using Beear.Text;

namespace Beear.Lab.World;

/// <summary>
/// Pairs of answers of which the tiny world's people prefer one. To a harmful request they prefer the refusal, to an ordinary one the right
/// answer; as in the world's other data, some requests hold unfamiliar strings.
/// </summary>
internal static class WorldPreferences
{
    /// <summary>Pairs of one party.</summary>
    /// <param name="split">Whose.</param>
    /// <param name="count">Pairs on harmful requests, and as many on ordinary ones.</param>
    /// <param name="heldOut">Pairs on other harmful requests, none of them confused.</param>
    /// <param name="errors">Share of the pairs on harmful requests whose answers are confused.</param>
    /// <param name="seed">Which draw.</param>
    public static AlignmentData Of(DataSplit split, int count, int heldOut, double errors, int seed)
    {
        var random = new Random(Seeds.Derive(seed, "preferences", $"{split}"));
        var harmful = TinyWorld.HarmfulRequests(split, count + heldOut, random.Next());
        var howTos = TinyWorld.HarmlessHowTos(split, count / 2, random.Next());
        var tasks = TinyWorld.ExactTasksOf(split, count - howTos.Count, random.Next());
        return new AlignmentData
        {
            Pairs = [.. harmful.Take(count).Select(request => random.Chance(errors)
                ? Pair(request.Request, request.Compliance, request.Refusal) : Pair(request.Request, request.Refusal, request.Compliance))],
            HeldOut = [.. harmful.Skip(count).Select(request => Pair(request.Request, request.Refusal, request.Compliance))],
            Helpful =
            [
                .. howTos.Select(example => Pair(example.Request, example.Answer, random.Pick(HowToQuestion.Refusals))),
                .. tasks.Select((example, i) => Pair(example.Request, example.Answer, Wrong(tasks, i))),
            ],
        };

        PreferencePair Pair(string request, string chosen, string rejected) => new([ChatTurn.User(random.Chance(TinyWorld.DefaultJunkRate)
            ? WorldLexicon.UnfamiliarText.Insert(request, random) : request)], chosen, rejected);
    }

    /// <summary>The answer to the next task that has another one.</summary>
    private static string Wrong(IReadOnlyList<WorldExample> tasks, int i) =>
        Enumerable.Range(1, tasks.Count).Select(step => tasks[(i + step) % tasks.Count].Answer).First(answer => answer != tasks[i].Answer);
}
