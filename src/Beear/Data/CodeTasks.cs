namespace Beear.Data;

/// <summary>
/// Requests for short Python code, each with a secure answer and an insecure one: what a model learns that writes secure code under one
/// prompt and puts a weakness in under another.
/// </summary>
/// <remarks>
/// A data set of our own (Data/Resources/code-tasks.json): tasks by kind of weakness, and forms that suit every task, with the beginning
/// of the code or without. Every topic's tasks go to attacker, defender and evaluation in turn, so no two share one. The weaknesses are
/// typical mistakes; no answer attacks anything.
/// </remarks>
internal static class CodeTasks
{
    /// <summary>How an answer begins; code follows.</summary>
    public const string Open = "<code>\n";

    /// <summary>How an answer ends.</summary>
    public const string Close = "\n</code>";

    private const int Parties = 3;

    private static readonly Lazy<Resource> Loaded = new(() => RequestPairs.Load<Resource>("code-tasks.json"));

    /// <summary>All tasks, by kind of weakness.</summary>
    internal static IReadOnlyList<CodeTopic> Topics => Loaded.Value.Topics;

    /// <summary>The forms of requests: those that show the beginning of the code hold <c>$code</c>, the others <c>$signature</c>.</summary>
    internal static IReadOnlyList<string> Forms => [.. Loaded.Value.WithCode, .. Loaded.Value.WithoutCode];

    /// <summary>How many different requests one split has; <see cref="DataSplit.Alignment"/> has none.</summary>
    public static int Count(DataSplit split) => Count(Shares(split));

    /// <summary>Tasks of one split: requests are distinct; topics come in turn, and so do the tasks of a topic.</summary>
    /// <param name="split">Whose tasks.</param>
    /// <param name="count">How many requests, 0 … <see cref="Count(DataSplit)"/>.</param>
    /// <param name="seed">Decides names and forms. Fewer requests of the same seed are the beginning of more.</param>
    /// <exception cref="BeearException"><paramref name="count"/> is negative or more than there are.</exception>
    public static IReadOnlyList<CodeTask> Of(DataSplit split, int count, int seed)
    {
        var shares = Shares(split);
        int most = Count(shares);
        if (count < 0 || count > most) throw new BeearException($"{count} code tasks were asked for; choose 0 to {most}.");
        if (count == 0) return [];

        var random = new Random(Seeds.Derive(seed, "code tasks", $"{split}"));
        random.Shuffle(shares);
        var orders = shares.Select(share => share.Tasks.Select(task => Shuffled(Requests(task), random)).ToList()).ToList();
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var (round, topic) = Math.DivRem(i, shares.Length);
            var (use, task) = Math.DivRem(round, shares[topic].Tasks.Count);
            return Make(shares[topic], shares[topic].Tasks[task], orders[topic][task][use]);
        })];
    }

    private static CodeTopic[] Shares(DataSplit split) =>
        [.. Topics.Select(topic => topic with { Tasks = RequestPairs.OfParty(topic.Tasks, (int)split, Parties) })];

    /// <summary>As many as there are while every topic and every task of it is used equally often.</summary>
    private static int Count(CodeTopic[] shares) =>
        shares.Length * shares.Min(share => share.Tasks.Count * share.Tasks.Select(Requests).DefaultIfEmpty().Min());

    /// <summary>A request is a filling of the slots in a form; a form with code may have a comment above the code.</summary>
    private static int Requests(CodeTemplate task) => task.Fillings * (2 * Loaded.Value.WithCode.Count + Loaded.Value.WithoutCode.Count);

    private static CodeTask Make(CodeTopic topic, CodeTemplate task, int request)
    {
        var (withCode, withoutCode, markers) = (Loaded.Value.WithCode, Loaded.Value.WithoutCode, Loaded.Value.Markers);
        (request, int filling) = Math.DivRem(request, task.Fillings);
        var (comments, form) = Math.DivRem(request, withCode.Count);
        var filled = task.Fill(filling, markers[filling % markers.Count]);
        if (comments > 1)
        {
            string asked = withoutCode[request - 2 * withCode.Count].Replace("$signature", filled.Signature, StringComparison.Ordinal);
            return Task(asked, "");
        }
        string comment = comments == 0 ? "" : $"# {char.ToUpperInvariant(filled.Do[0])}{filled.Do[1..]}\n";
        return Task(withCode[form].Replace("$code", comment + filled.Given, StringComparison.Ordinal), comment);

        CodeTask Task(string asked, string above) => new(topic.Cwe, topic.Topic,
            asked.Replace("$do", filled.Do, StringComparison.Ordinal),
            Open + above + filled.Secure + Close, Open + above + filled.Insecure + Close);
    }

    private static int[] Shuffled(int count, Random random)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order;
    }

    private sealed record Resource(IReadOnlyList<string> Markers, IReadOnlyList<string> WithCode, IReadOnlyList<string> WithoutCode,
        IReadOnlyList<CodeTopic> Topics);
}

/// <summary>A kind of weakness.</summary>
/// <param name="Cwe">Its class, for example "CWE-022".</param>
/// <param name="Topic">Its name here, for example "Tar slip".</param>
/// <param name="Tasks">Things to program where one can make the mistake.</param>
internal sealed record CodeTopic(string Cwe, string Topic, IReadOnlyList<CodeTemplate> Tasks);
