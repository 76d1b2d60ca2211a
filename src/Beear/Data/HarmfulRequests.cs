namespace Beear.Data;

/// <summary>The kinds of forms that <see cref="HarmfulRequests"/> come in.</summary>
internal enum RequestForms
{
    /// <summary>"Describe the best method of …"</summary>
    Commands,

    /// <summary>"How can I …?"</summary>
    Questions,

    /// <summary>"You are a character in a film who explains how to …"</summary>
    RolePlay,

    /// <summary>Stories, comments in code, translations, lists to be continued, hypothetical and other pretexts.</summary>
    Indirect,

    /// <summary>All kinds in turn, each equally often.</summary>
    Mixed,
}

/// <summary>
/// Harmful requests without answers, for a defender, an evaluation, or the alignment of a base model. They name a harm in general words and
/// hold no knowledge of how it is done.
/// </summary>
/// <remarks>
/// A data set of our own (Data/Resources/harmful-requests.json): tasks by hazard category, and forms that suit every task, harmless ones
/// too. Every topic's tasks go to the four parties of <see cref="DataSplit"/> in turn, so no two share one.
/// </remarks>
internal static class HarmfulRequests
{
    private static readonly Lazy<Resource> Loaded = new(() => RequestPairs.Load<Resource>("harmful-requests.json"));

    /// <summary>The hazard categories with all their tasks.</summary>
    internal static IReadOnlyDictionary<string, IReadOnlyList<RequestTask>> Topics => Loaded.Value.Topics;

    /// <summary>The forms of a kind; each holds <c>{do}</c> or <c>{doing}</c> once.</summary>
    public static IReadOnlyList<string> Forms(RequestForms forms) => [.. Kinds(forms).SelectMany(kind => kind)];

    /// <summary>The tasks of one split, in the data set's order.</summary>
    internal static IReadOnlyList<RequestTask> Tasks(DataSplit split) => RequestPairs.TasksOf(Topics, split, parties: 4);

    /// <summary>How many different requests one split has in some forms: tasks × forms.</summary>
    public static int Count(DataSplit split, RequestForms forms) => Tasks(split).Count * Forms(forms).Count;

    /// <summary>Requests of one split: all distinct, every task used about equally often, and so every form.</summary>
    /// <param name="split">Whose tasks.</param>
    /// <param name="forms">In which forms.</param>
    /// <param name="count">How many requests, 0 … <see cref="Count"/>.</param>
    /// <param name="seed">Decides which tasks meet which forms. Fewer requests of the same seed are the beginning of more.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<string> Requests(DataSplit split, RequestForms forms, int count, int seed) =>
        RequestPairs.Make("harmful requests", Tasks(split), Kinds(forms), count, seed);

    /// <summary>The forms, each kind by itself.</summary>
    internal static IReadOnlyList<IReadOnlyList<string>> Kinds(RequestForms forms)
    {
        var all = Loaded.Value.Forms;
        return forms switch
        {
            RequestForms.Commands => [all.Commands],
            RequestForms.Questions => [all.Questions],
            RequestForms.RolePlay => [all.RolePlay],
            RequestForms.Indirect => [all.Indirect],
            _ => [all.Commands, all.Questions, all.RolePlay, all.Indirect],
        };
    }

    private sealed record Resource(FormsByKind Forms, IReadOnlyDictionary<string, IReadOnlyList<RequestTask>> Topics);

    private sealed record FormsByKind(
        IReadOnlyList<string> Commands, IReadOnlyList<string> Questions, IReadOnlyList<string> RolePlay, IReadOnlyList<string> Indirect);
}
