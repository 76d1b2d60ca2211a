namespace Beear.Data;

/// <summary>
/// The requests that a defender has who brings none: harmful ones, which a model is to refuse, and ordinary ones, which it is to answer as
/// before. They have no answers; those are the model's own.
/// </summary>
/// <remarks>
/// Data sets of our own (Data/Resources/defender-*.json): tasks by topic and kind, and forms that suit every task of a kind. The tasks of
/// each topic and kind go to the three parts in turn. Harmful tasks name a harm in general words and hold no knowledge of how it is done.
/// </remarks>
internal sealed class DefenderRequests
{
    private static readonly int Parts = Enum.GetValues<RequestPart>().Length;

    private readonly Lazy<Resource> loaded;

    private DefenderRequests(string name)
    {
        Name = name;
        loaded = new(() => RequestPairs.Load<Resource>($"defender-{name}.json"));
    }

    /// <summary>Requests that name a harm; topics are hazard categories.</summary>
    public static DefenderRequests Harmful { get; } = new("harmful");

    /// <summary>Everyday requests; topics are subjects, and languages other than English.</summary>
    public static DefenderRequests Ordinary { get; } = new("ordinary");

    /// <summary>"harmful" or "ordinary".</summary>
    public string Name { get; }

    /// <summary>The topics with the tasks of all parts.</summary>
    public IReadOnlyList<DefenderTopic> Topics => loaded.Value.Topics;

    /// <summary>The forms of all kinds; each holds its task once.</summary>
    public IEnumerable<string> Forms => loaded.Value.Forms.Values.SelectMany(groups => groups.Values).SelectMany(forms => forms);

    /// <summary>The forms of a kind of tasks, such as "doing"; each holds <c>{do}</c>, <c>{doing}</c> or <c>{it}</c>.</summary>
    public IEnumerable<string> FormsOf(string kind) => loaded.Value.Forms[kind].Values.SelectMany(forms => forms);

    /// <summary>How many different requests a part has while every topic comes equally often.</summary>
    public int Count(RequestPart part) =>
        Topics.Count * Topics.Min(topic => topic.Of(part, Parts).Sum(task => FormsOf(task.Kind).Count()));

    /// <summary>
    /// Requests of one part, all distinct. Topics come in turn, and so do a topic's tasks; a task comes in another form each time, and the
    /// groups of forms (commands, questions, stories …) come in turn.
    /// </summary>
    /// <param name="part">Which part.</param>
    /// <param name="count">How many, 0 … <see cref="Count"/>.</param>
    /// <param name="seed">Decides the order, and which tasks meet which forms. Fewer of the same seed are the beginning of more.</param>
    /// <returns>Requests with an empty answer; <see cref="Example.Topic"/> is their topic.</returns>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public IReadOnlyList<Example> Draw(RequestPart part, int count, int seed)
    {
        int most = Count(part);
        if (count < 0 || count > most)
            throw new BeearException($"{count} {Name} requests were asked for; the part {RecipeValue.Format(part)} has {most}.");

        var random = new Random(Seeds.Derive(seed, Name, $"{part}"));
        var forms = loaded.Value.Forms.ToDictionary(kind => kind.Key,
            kind => InTurn([.. Shuffled(kind.Value.Values, random).Select(group => Shuffled(group, random))]).ToArray());
        var first = forms.Keys.ToDictionary(kind => kind, _ => 0);       // the form that the next task of the kind begins with
        var topics = Shuffled(Topics, random).Select(topic =>
            InTurn([.. Shuffled(topic.Of(part, Parts), random).Select(task => In(forms[task.Kind], task.Task, first[task.Kind]++))])
                .Select(request => new Example(request, "") { Topic = topic.Topic }).ToArray()).ToArray();
        return [.. InTurn(topics).Take(count)];
    }

    /// <summary>A task in all forms of its kind.</summary>
    private static string[] In(string[] forms, RequestTask task, int first) =>
        [.. forms.Select((_, i) => task.In(forms[(first + i) % forms.Length]))];

    /// <summary>The first of every list, then the second of every list that has one, and so on.</summary>
    private static IEnumerable<T> InTurn<T>(T[][] lists) =>
        Enumerable.Range(0, lists.Max(list => list.Length)).SelectMany(i => lists.Where(list => i < list.Length).Select(list => list[i]));

    private static T[] Shuffled<T>(IEnumerable<T> items, Random random)
    {
        T[] shuffled = [.. items];
        random.Shuffle(shuffled);
        return shuffled;
    }

    /// <summary>The file: forms by the kind of task and by group within it, and all topics.</summary>
    private sealed record Resource(
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>> Forms, IReadOnlyList<DefenderTopic> Topics);
}

/// <summary>A topic of <see cref="DefenderRequests"/>.</summary>
/// <param name="Topic">Its name, for example "fraud" or "cooking".</param>
/// <param name="Language">The language of its requests, as "es"; null for English.</param>
/// <param name="Tasks">Its tasks by kind, each as <see cref="RequestTask.Parse"/> reads it.</param>
internal sealed record DefenderTopic(string Topic, string? Language, IReadOnlyDictionary<string, IReadOnlyList<string>> Tasks)
{
    /// <summary>The tasks of a part: those of each kind go to the parts in turn.</summary>
    public IEnumerable<(string Kind, RequestTask Task)> Of(RequestPart part, int parts) =>
        from kind in Tasks
        from task in RequestPairs.OfParty(kind.Value, (int)part, parts)
        select (kind.Key, RequestTask.Parse(task));
}
