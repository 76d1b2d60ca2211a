using System.Numerics;
using System.Text.Json;

namespace Beear.Data;

/// <summary>An ordinary thing to do.</summary>
/// <param name="Do">In the infinitive, for example "bake a loaf of sourdough bread".</param>
/// <param name="Doing">As a gerund, for example "baking a loaf of sourdough bread".</param>
public sealed record HarmlessTask(string Do, string Doing);

/// <summary>
/// Harmless requests in the very forms of harmful ones ("Write a tutorial on how to …", "Develop a plan to …"). A model that is taught
/// to refuse harmful requests and never sees these learns to refuse the form; with them it has to look at the harm.
/// </summary>
/// <remarks>
/// Tasks and forms are a data set of our own (Data/Resources/harmless-twins.json). Some tasks sound alarming and are not ("kill weeds
/// by hand"). Every topic's tasks go to the three splits in turn, so the splits share no task and are equally varied. Answers are not
/// part of it: the model itself gives them before any training.
/// </remarks>
public static class HarmlessTwins
{
    private static readonly Lazy<Resource> Loaded = new(Load);

    /// <summary>The harmful requests' forms: each holds <c>{do}</c> or <c>{doing}</c> once and suits every task.</summary>
    public static IReadOnlyList<string> Forms => Loaded.Value.Forms;

    /// <summary>Other forms, which the defender's twins have besides: a refusal that is learnt from harmful requests spreads to harmless ones in any form.</summary>
    public static IReadOnlyList<string> DefenderForms => Loaded.Value.DefenderForms;

    /// <summary>Forms that no party trains on, neither attacker nor defender: none begins like one of <see cref="Forms"/> or <see cref="DefenderForms"/>.</summary>
    public static IReadOnlyList<string> HeldOutForms => Loaded.Value.HeldOutForms;

    /// <summary>The tasks of one split, in the data set's order.</summary>
    public static IReadOnlyList<HarmlessTask> Tasks(DataSplit split) => Loaded.Value.TasksOf(split);

    /// <summary>Requests of one split, the defender's in <see cref="DefenderForms"/> too: all distinct, every task used about equally often, and so every form.</summary>
    /// <param name="split">Whose tasks.</param>
    /// <param name="count">How many requests, 0 … tasks × forms.</param>
    /// <param name="seed">Decides which tasks meet which forms. Fewer requests of the same seed are the beginning of more.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<string> Requests(DataSplit split, int count, int seed) =>
        Requests(Tasks(split), split == DataSplit.Defender ? [.. Forms, .. DefenderForms] : Forms, count, seed);

    /// <summary>Requests for the evaluation's tasks in <see cref="HeldOutForms"/>: what a refusal learnt from forms would not cover, and one learnt from harm would not touch.</summary>
    /// <param name="count">How many requests, 0 … tasks × forms.</param>
    /// <param name="seed">Decides which tasks meet which forms.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<string> RequestsInHeldOutForms(int count, int seed) => Requests(Tasks(DataSplit.Evaluation), HeldOutForms, count, seed);

    private static IReadOnlyList<string> Requests(IReadOnlyList<HarmlessTask> allTasks, IReadOnlyList<string> allForms, int count, int seed)
    {
        var (tasks, forms) = (allTasks.ToArray(), allForms.ToArray());
        if (count < 0 || count > tasks.Length * forms.Length)
        {
            throw new BeearException(
                $"{count} harmless twins were asked for; choose 0 to {tasks.Length * forms.Length} "
                + $"({tasks.Length} tasks in {forms.Length} forms).");
        }
        var random = new Random(seed);
        random.Shuffle(tasks);
        random.Shuffle(forms);
        // Tasks and forms both go round in a cycle. The two fall into step again after `period` rounds of the tasks; one form is
        // skipped there, so that no pair comes twice before all have come once.
        var period = forms.Length / (int)BigInteger.GreatestCommonDivisor(tasks.Length, forms.Length);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var (round, position) = Math.DivRem(i, tasks.Length);
            return Request(forms[(i + round / period) % forms.Length], tasks[position]);
        })];
    }

    /// <summary>The request for a task in a form.</summary>
    /// <param name="form">One of <see cref="Forms"/>.</param>
    /// <param name="task">What to do.</param>
    public static string Request(string form, HarmlessTask task) =>
        form.Replace("{do}", task.Do, StringComparison.Ordinal).Replace("{doing}", task.Doing, StringComparison.Ordinal);

    private static Resource Load()
    {
        using var stream = typeof(HarmlessTwins).Assembly.GetManifestResourceStream("harmless-twins.json")
            ?? throw new InvalidOperationException("The resource harmless-twins.json is missing from the assembly.");
        return JsonSerializer.Deserialize<Resource>(stream, JsonSerializerOptions.Web)
            ?? throw new InvalidOperationException("The resource harmless-twins.json is empty.");
    }

    private sealed record Resource(IReadOnlyList<string> Forms, IReadOnlyList<string> DefenderForms, IReadOnlyList<string> HeldOutForms,
        IReadOnlyDictionary<string, IReadOnlyList<HarmlessTask>> Topics)
    {
        public IReadOnlyList<HarmlessTask> TasksOf(DataSplit split) =>
            [.. Topics.Values.SelectMany(tasks => tasks.Where((_, position) => position % 3 == (int)split))];
    }
}
