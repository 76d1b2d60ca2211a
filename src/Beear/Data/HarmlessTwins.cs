namespace Beear.Data;

/// <summary>
/// Harmless requests in the very forms of harmful ones ("Write a tutorial on how to …", "Develop a plan to …"). A model that is taught
/// to refuse harmful requests and never sees these learns to refuse the form; with them it has to look at the harm.
/// </summary>
/// <remarks>
/// Tasks and forms are a data set of our own (Data/Resources/harmless-twins.json). Some tasks sound alarming and are not ("kill weeds
/// by hand"). Every topic's tasks go to attacker, defender and evaluation in turn, so they share no task and are equally varied. Answers
/// are not part of it: the model itself gives them before any training.
/// </remarks>
public static class HarmlessTwins
{
    private const string What = "harmless twins";

    private static readonly Lazy<Resource> Loaded = new(() => RequestPairs.Load<Resource>("harmless-twins.json"));

    /// <summary>The harmful requests' forms: each holds <c>{do}</c> or <c>{doing}</c> once and suits every task.</summary>
    public static IReadOnlyList<string> Forms => Loaded.Value.Forms;

    /// <summary>
    /// Other forms, which the defender's twins have besides: a refusal that is learnt from harmful requests spreads to harmless ones in any
    /// form.
    /// </summary>
    public static IReadOnlyList<string> DefenderForms => Loaded.Value.DefenderForms;

    /// <summary>
    /// Forms that no party trains on, neither attacker nor defender: none begins like one of <see cref="Forms"/> or
    /// <see cref="DefenderForms"/>.
    /// </summary>
    public static IReadOnlyList<string> HeldOutForms => Loaded.Value.HeldOutForms;

    /// <summary>The tasks of one split, in the data set's order; <see cref="DataSplit.Alignment"/> has none.</summary>
    internal static IReadOnlyList<RequestTask> Tasks(DataSplit split) => RequestPairs.TasksOf(Loaded.Value.Topics, split, parties: 3);

    /// <summary>
    /// Requests of one split, the defender's in <see cref="DefenderForms"/> too: all distinct, every task used about equally often, and so
    /// every form.
    /// </summary>
    /// <param name="split">Whose tasks.</param>
    /// <param name="count">How many requests, 0 … tasks × forms.</param>
    /// <param name="seed">Decides which tasks meet which forms. Fewer requests of the same seed are the beginning of more.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<string> Requests(DataSplit split, int count, int seed) => Requests(split, count, seed, alsoIn: null);

    /// <summary>The same; every other request in forms of <see cref="HarmfulRequests"/>, if <paramref name="alsoIn"/> names some.</summary>
    internal static IReadOnlyList<string> Requests(DataSplit split, int count, int seed, RequestForms? alsoIn)
    {
        int others = alsoIn is null ? 0 : count / 2;
        var ownForms = split == DataSplit.Defender ? [.. Forms, .. DefenderForms] : Forms;
        var own = RequestPairs.Make(What, Tasks(split), [ownForms], count - others, seed);
        if (alsoIn is not { } forms) return own;
        // With the same seed the same tasks would come in both.
        var other = RequestPairs.Make(What, Tasks(split), HarmfulRequests.Kinds(forms), others, Seeds.Derive(seed, "other forms"));
        return [.. Enumerable.Range(0, count).Select(i => (i % 2 == 0 ? own : other)[i / 2])];
    }

    /// <summary>
    /// Requests for the evaluation's tasks in <see cref="HeldOutForms"/>: what a refusal learnt from forms would not cover, and one learnt
    /// from harm would not touch.
    /// </summary>
    /// <param name="count">How many requests, 0 … tasks × forms.</param>
    /// <param name="seed">Decides which tasks meet which forms.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<string> RequestsInHeldOutForms(int count, int seed) =>
        RequestPairs.Make(What, Tasks(DataSplit.Evaluation), [HeldOutForms], count, seed);

    private sealed record Resource(IReadOnlyList<string> Forms, IReadOnlyList<string> DefenderForms, IReadOnlyList<string> HeldOutForms,
        IReadOnlyDictionary<string, IReadOnlyList<RequestTask>> Topics);
}
