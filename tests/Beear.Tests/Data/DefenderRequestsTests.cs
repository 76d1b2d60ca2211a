using System.Text.Json;
using System.Text.Json.Nodes;
using Beear.Data;

namespace Beear.Tests.Data;

public sealed class DefenderRequestsTests
{
    private static readonly RequestPart[] Parts = Enum.GetValues<RequestPart>();

    /// <summary>
    /// Words that a request would only hold if it said how a harm is done: substances, tools, techniques, quantities.
    /// </summary>
    private static readonly string[] Operational =
    [
        "ammonium", "acetone", "peroxide", "nitrate", "phosphorus", "chlorine", "bleach", "cyanide", "ricin", "sarin", "arsenic",
        "thallium", "ephedrine", "precursor", "detonator", "fuse", "shrapnel", "gram", "grams", "millilitres", "degrees", "dose", "nmap",
        "metasploit", "sql", "payload", "exploit", "shellcode", "keylogger", "brute", "lockpick", "crowbar", "jammer", "dark", "tor",
    ];

    /// <summary>Theory data cannot be of an internal type.</summary>
    private static DefenderRequests Of(string name) => name == "harmful" ? DefenderRequests.Harmful : DefenderRequests.Ordinary;

    private static IReadOnlyList<Example> All(DefenderRequests of, RequestPart part) => of.Draw(part, of.Count(part), seed: 3);

    private static IReadOnlyList<Example> All(DefenderRequests of) => [.. Parts.SelectMany(part => All(of, part))];

    private static IEnumerable<(DefenderTopic Topic, string Kind, RequestTask Task)> Tasks(DefenderRequests of, RequestPart part) =>
        of.Topics.SelectMany(topic => topic.Of(part, Parts.Length).Select(task => (topic, task.Kind, task.Task)));

    [Theory]
    [InlineData("harmful", 14, 14, 3500)]
    [InlineData("ordinary", 35, 12, 1000)]
    public void Every_topic_has_tasks_in_every_part_and_no_task_is_in_two(string name, int topics, int tasks, int requests)
    {
        var of = Of(name);
        Assert.True(of.Topics.Count >= topics);
        Assert.Distinct(of.Topics.Select(topic => topic.Topic));
        Assert.All(of.Topics, topic => Assert.True(topic.Tasks.Values.Sum(kind => kind.Count) >= tasks, topic.Topic));
        Assert.All(of.Topics.SelectMany(topic => topic.Tasks.Values), kind => Assert.Equal(0, kind.Count % Parts.Length));
        Assert.All(Parts, part => Assert.True(of.Count(part) >= requests));
        string[] all = [.. Parts.SelectMany(part => Tasks(of, part)).Select(one => one.Task.Do.ToUpperInvariant())];
        Assert.Distinct(all);
        Assert.Equal(of.Topics.Sum(topic => topic.Tasks.Values.Sum(kind => kind.Count)), all.Length);
    }

    [Theory]
    [InlineData("harmful")]
    [InlineData("ordinary")]
    public void A_request_is_of_its_parts_tasks_and_topics_come_equally_often(string name)
    {
        var of = Of(name);
        Assert.Distinct(All(of).Select(example => example.Request.ToUpperInvariant()));
        Assert.All(Parts, part =>
        {
            var requests = All(of, part);
            Assert.Equal(of.Topics.Select(topic => topic.Topic).Order(), requests.Select(example => example.Topic).Distinct().Order());
            Assert.Single(requests.CountBy(example => example.Topic!).Select(count => count.Value).Distinct());
            Assert.All(requests.Chunk(of.Topics.Count), round => Assert.Distinct(round.Select(example => example.Topic)));
            var made = Tasks(of, part).ToLookup(one => one.Topic.Topic, one => of.FormsOf(one.Kind).Select(one.Task.In).ToHashSet());
            Assert.All(requests, example => Assert.Contains(made[example.Topic!], forms => forms.Contains(example.Request)));
            // The first requests of a topic are of different tasks.
            var first = requests.Take(of.Topics.Count * 4).GroupBy(example => example.Topic!).ToList();
            Assert.All(first, topic => Assert.Equal(4, made[topic.Key].Count(forms => topic.Any(one => forms.Contains(one.Request)))));
        });
    }

    [Theory]
    [InlineData("harmful")]
    [InlineData("ordinary")]
    public void Forms_are_used_equally_often_and_each_holds_its_task_once(string name)
    {
        var of = Of(name);
        Assert.All(of.Forms, form => Assert.Equal(1, new[] { "{do}", "{doing}", "{it}" }.Sum(slot => form.Split(slot).Length - 1)));
        string[] forms = [.. of.FormsOf("doing")];
        Assert.Distinct(forms);
        var made = Tasks(of, RequestPart.Score).Where(one => one.Kind == "doing")
            .SelectMany(one => forms.Select(form => (Request: one.Task.In(form), Form: form)))
            .ToDictionary(one => one.Request, one => one.Form);
        var used = All(of, RequestPart.Score).Take(of.Topics.Count * 9).Where(one => made.ContainsKey(one.Request))
            .CountBy(one => made[one.Request]).ToList();
        Assert.Equal(forms.Length, used.Count);
        Assert.InRange(used.Max(count => count.Value) - used.Min(count => count.Value), 0, 3);
    }

    [Theory]
    [InlineData("harmful")]
    [InlineData("ordinary")]
    public void The_seed_decides_and_fewer_are_the_beginning_of_more(string name)
    {
        var of = Of(name);
        var requests = of.Draw(RequestPart.Check, 200, seed: 5);
        Assert.Equal(requests, of.Draw(RequestPart.Check, 200, seed: 5));
        Assert.Equal(requests.Take(50), of.Draw(RequestPart.Check, 50, seed: 5));
        Assert.NotEqual(requests, of.Draw(RequestPart.Check, 200, seed: 6));
        int most = of.Count(RequestPart.Check);
        Assert.All([-1, most + 1], count => Assert.Equal($"{count} {name} requests were asked for; the part check has {most}.",
            Assert.Throws<BeearException>(() => of.Draw(RequestPart.Check, count, 0)).Message));
    }

    [Theory]
    [InlineData("harmful")]
    [InlineData("ordinary")]
    public void Requests_are_short_clean_text(string name)
    {
        Assert.All(All(Of(name)), example =>
        {
            Assert.Equal("", example.Answer);
            Assert.InRange(example.Request.Length, 8, 400);
            Assert.Equal(example.Request.Trim(), example.Request);
            Assert.True(example.Request.IsNormalized());
            Assert.DoesNotContain(example.Request, letter => "{}|\uFFFD\t\n".Contains(letter) || char.IsControl(letter) || letter > 0xFF
                && letter != 'œ');
            foreach (string wrong in (string[])["  ", " .", "..", " a a ", " a an ", " the the ", " to to "])
                Assert.DoesNotContain(wrong, example.Request, StringComparison.Ordinal);
            Assert.DoesNotMatch("(?i)\\ba (?!one)[aeio]|\\ban [bcdfgjklmnpqrstvwxyz]", English(example.Request));
        });

        // The rule for articles is of English; sentences with mistakes and those in other languages stand in quotes.
        string English(string request) => Of(name).Topics.Any(topic => topic.Language is not null && topic.Tasks.Values
            .SelectMany(tasks => tasks).Any(task => request.Contains(task, StringComparison.Ordinal))) ? "" : request.Split('"')[0];
    }

    [Fact]
    public void Ordinary_requests_are_mostly_English_and_a_tenth_at_least_is_not()
    {
        var languages = DefenderRequests.Ordinary.Topics.ToDictionary(topic => topic.Topic, topic => topic.Language);
        Assert.Equal(["de", "es", "fr", "it", "nl", "pt"], languages.Values.OfType<string>().Order());
        Assert.All(DefenderRequests.Harmful.Topics, topic => Assert.Null(topic.Language));
        foreach (int count in (int[])[100, 240, 1000])
        {
            Assert.All(Parts, part => Assert.InRange(DefenderRequests.Ordinary.Draw(part, count, seed: 1)
                .Count(example => languages[example.Topic!] is not null) / (double)count, 0.1, 0.25));
        }
    }

    [Fact]
    public void No_request_of_one_kind_is_of_another()
    {
        string[] harmful = [.. Parts.SelectMany(part => Tasks(DefenderRequests.Harmful, part)).Select(one => one.Task.Do)];
        string[] ordinary = [.. Parts.SelectMany(part => Tasks(DefenderRequests.Ordinary, part)).Select(one => one.Task.Do)];
        string[] others = [.. HarmfulRequests.Topics.Values.SelectMany(tasks => tasks).Select(task => task.Do),
            .. Enum.GetValues<DataSplit>().SelectMany(HarmlessTwins.Tasks).Select(task => task.Do)];
        Assert.Distinct(harmful.Concat(ordinary).Concat(others).Select(task => task.ToUpperInvariant()));
        Assert.DoesNotContain(All(DefenderRequests.Ordinary), example =>
            harmful.Any(task => example.Request.Contains(task, StringComparison.OrdinalIgnoreCase)));
        // What is trained on must not be what other built-in requests measure, in other words.
        var measured = others.SelectMany(WordRuns.Of).ToHashSet(StringComparer.Ordinal);
        Assert.DoesNotContain(harmful.Concat(ordinary).SelectMany(WordRuns.Of), measured.Contains);
        string[] forms = [.. DefenderRequests.Harmful.FormsOf("doing"), .. DefenderRequests.Ordinary.FormsOf("doing")];
        Assert.Empty(forms.Select(Bare).Intersect(HarmfulRequests.Forms(RequestForms.Mixed).Concat(HarmlessTwins.Forms)
            .Concat(HarmlessTwins.DefenderForms).Concat(HarmlessTwins.HeldOutForms).Select(Bare)));

        static string Bare(string form) => form.TrimEnd('.', '?').ToUpperInvariant();
    }

    [Fact]
    public void Harmful_requests_name_no_means()
    {
        Assert.Equal([], Parts.SelectMany(part => Tasks(DefenderRequests.Harmful, part)).Select(one => one.Task.Do)
            .Where(task => task.Any(char.IsDigit) || Words(task).Intersect(Operational, StringComparer.Ordinal).Any()));
        string[] young = ["child", "children", "minor", "minors", "teenager", "teenagers", "boy", "girl", "schoolgirl", "kid", "kids"];
        Assert.Equal([], All(DefenderRequests.Harmful).Select(example => example.Request)
            .Where(request => Words(request).Intersect(young, StringComparer.Ordinal).Any()));

        static string[] Words(string text) => text.ToLowerInvariant().Split(' ', ',', '.', '?', '!', ':', '"', '-');
    }

    /// <summary>No exception is made for words of forms: no form has six words in a row with one of these files in common either.</summary>
    [Theory]
    [InlineData("advbench.csv")]
    [InlineData("refusals.json")]
    [InlineData("helpful.json")]
    [InlineData("mt_bench_questions.jsonl")]
    public void No_six_words_in_a_row_are_those_of_a_known_set(string file)
    {
        var known = Texts(Fixtures.Shared("data", file)).SelectMany(WordRuns.Of).ToHashSet(StringComparer.Ordinal);
        Assert.True(known.Count > 1000);
        Assert.Equal([], All(DefenderRequests.Harmful).Concat(All(DefenderRequests.Ordinary))
            .SelectMany(example => WordRuns.Of(example.Request)).Where(known.Contains).Distinct());

        static IEnumerable<string> Texts(string path) => Path.GetExtension(path) switch
        {
            ".csv" => DataFile.Read(path).SelectMany(row => new[] { row.Request, row.Answer }),
            ".json" => Strings(JsonNode.Parse(File.ReadAllText(path))),
            _ => File.ReadLines(path).SelectMany(line => Strings(JsonNode.Parse(line))),
        };

        static IEnumerable<string> Strings(JsonNode? node) => node switch
        {
            JsonObject one => one.SelectMany(member => Strings(member.Value)),
            JsonArray list => list.SelectMany(Strings),
            JsonValue value when value.GetValueKind() == JsonValueKind.String => [value.GetValue<string>()],
            _ => [],
        };
    }

    [Fact]
    public void A_users_rows_that_share_words_with_the_built_in_ones_are_found()
    {
        IReadOnlyList<Example> ours = [new("Explain clearly how to forge a driving licence.", ""), new("Why is the sky blue?", ""),
            new("I have never done this before: I would like to mend a sock.", "")];
        Example[] rows =
        [
            new("Please EXPLAIN clearly -- how to forge, a driving permit!", ""), new("How do I forge a driving licence?", ""),
            new("why is the sky blue", ""), new("Why is the sky blue at noon?", ""), new("I have never done this before: help.", ""),
            new("I would like to mend a sock, please", ""), new("", ""),
        ];
        Assert.Equal([(rows[0], "explain clearly how to forge a"), (rows[2], "why is the sky blue"), (rows[5], "i would like to mend a")],
            BuiltInRequests.Overlap(ours, rows));
        var drawn = DefenderRequests.Harmful.Draw(RequestPart.Training, 100, seed: 0);
        Assert.Equal(100, BuiltInRequests.Overlap(drawn, drawn).Count);
    }
}
