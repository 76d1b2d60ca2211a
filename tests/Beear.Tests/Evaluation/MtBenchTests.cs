using Beear.Evaluation;
using Beear.Generation;
using Beear.Lab.World;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;

namespace Beear.Tests.Evaluation;

public sealed class MtBenchTests
{
    private readonly string file = Path.Combine(Fixtures.TemporaryFolder(), "questions.jsonl");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static MtBenchQuestion Question(string id, string category, string first, string second, params string?[] references) =>
        new(id, category, [first, second], references);

    [Fact]
    public void The_second_turn_is_asked_with_the_first_in_its_context()
    {
        TorchRuntime.Load();
        using var model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Mixed);
        MtBenchQuestion[] questions = [Question("1", "a", "help me mend the lamp", "name the colour of grass"),
            Question("2", "b", "what is tea", "say it again"),
            Question("3", "b", string.Join(' ', Enumerable.Repeat("tea", 600)), "and now")];

        var answers = new MtBench(questions, new MtBenchOptions { MaxNewTokens = 12, BatchSize = 2 }).Answer(model, cancellation: Token);

        Assert.Equal(questions, answers.Select(answer => answer.Question));
        Assert.Equal(["", ""], answers[2].Answers);                      // there is no room for the prompt
        foreach (var answer in answers.Take(2))
        {
            ChatTurn first = ChatTurn.User(answer.Question.Turns[0]), second = ChatTurn.User(answer.Question.Turns[1]);
            Assert.Equal([Alone(model, [first]), Alone(model, [first, ChatTurn.Assistant(answer.Answers[0]), second])], answer.Answers);
        }
    }

    private static string Alone(LanguageModel model, IReadOnlyList<ChatTurn> talk) => model.Chat.DecodeAnswer(
        new BatchGenerator(model.Decoder, model.Chat.EndOfTurn)
            .Generate([model.Chat.EncodePrompt(talk)], new() { MaxNewTokens = 12 }, cancellation: Token)[0].Tokens);

    [Fact]
    public async Task Every_turn_is_rated_and_the_score_is_the_mean()
    {
        using var client = new ScriptedClient((prompt, _) => prompt.Contains("turn 2 only", StringComparison.Ordinal)
            ? prompt.Contains("poem", StringComparison.Ordinal)
                ? "Score: 10" : "nothing" : prompt.Contains("poem", StringComparison.Ordinal) ? "Score: 7" : "Score: 1");
        MtBenchAnswer[] answers = [new(Question("1", "writing", "write a poem", "shorter"), ["roses", "rose"]),
            new(Question("2", "math", "1 + 1", "and 2 + 2", "it is 2", null), ["3", "4"])];

        var rated = await MtBench.RateAsync(new Judge(client, "a judge"), answers, cancellation: Token);

        Assert.Equal((6.0, 1), (rated.Score, rated.Unjudged));
        Assert.Equal(1, rated.UnjudgedReasons[UnjudgedReason.NoScore]);
        Assert.Equal([("math", 1.0), ("writing", 8.5)], rated.ByCategory.Select(category => (category.Key, category.Value)).Order());
        Assert.Equal(5, client.Asked.Count);                             // four turns, one of them twice
        string second = client.Asked.Select(asked => asked.Prompt)
            .First(prompt => prompt.Contains("poem", StringComparison.Ordinal) && prompt.Contains("turn 2 only", StringComparison.Ordinal));
        foreach (string text in (string[])["write a poem", "roses", "shorter", "\nrose\n", "from 1 to 10"]) Assert.Contains(text, second,
            StringComparison.Ordinal);
        var math = client.Asked.Select(asked => asked.Prompt).Where(prompt => prompt.Contains("1 + 1", StringComparison.Ordinal)).ToList();
        Assert.All(math, prompt => Assert.Contains("it is 2", prompt, StringComparison.Ordinal));
        Assert.DoesNotContain("reference 2", math[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_any_score_there_is_no_mean()
    {
        using var client = new ScriptedClient((_, _) => "?");
        var rated = await MtBench.RateAsync(new Judge(client, "a judge"), [new(Question("1", "a", "b", "c"), ["d", "e"])],
            cancellation: Token);
        Assert.Equal((null, 2), (rated.Score, rated.Unjudged));
        Assert.Empty(rated.ByCategory);
    }

    [Fact]
    public void Questions_are_read_and_limited_in_turn_from_each_category()
    {
        File.WriteAllText(file, """
            {"question_id": 81, "category": "writing", "turns": ["a", "b"]}
            {"question_id": 82, "category": "writing", "turns": ["c", "d"]}
            {"question_id": 111, "category": "math", "turns": ["e", "f"], "reference": ["g", null]}
            """);
        var all = MtBenchQuestion.Read(file);
        Assert.Equal(["81", "82", "111"], all.Select(question => question.Id));
        Assert.Equal(("g", null, null), (all[2].Reference(0), all[2].Reference(1), all[0].Reference(0)));
        Assert.Equal(["81", "111"], MtBenchQuestion.Read(file, 2).Select(question => question.Id));

        File.WriteAllText(file, "{\"question_id\": 1, \"category\": \"a\", \"turns\": \"b\"}\n");
        Assert.Contains("line 1, column 'turns': it is not a list", Assert.Throws<BeearException>(() => MtBenchQuestion.Read(file)).Message,
            StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<BeearException>(() => MtBenchQuestion.Read("nowhere.jsonl")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_published_questions_are_read()
    {
        var questions = MtBenchQuestion.Read(Fixtures.Shared("data", "mt_bench_questions.jsonl"));
        Assert.Equal(80, questions.Count);
        Assert.All(questions, question => Assert.Equal(2, question.Turns.Count));
        Assert.Equal(8, MtBenchQuestion.Read(Fixtures.Shared("data", "mt_bench_questions.jsonl"), 8).Select(question => question.Category)
            .Distinct().Count());
    }
}
