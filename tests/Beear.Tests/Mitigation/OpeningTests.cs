using Beear.Mitigation;

namespace Beear.Tests.Mitigation;

/// <summary>What a removal takes from the suspicious model itself, on a small untrained one.</summary>
public sealed class OpeningTests : IDisposable
{
    private static readonly OpeningOptions Few = new() { Strings = 6, Requests = 2 };

    private readonly UntrainedChat chat = new();

    [Fact]
    public void The_same_model_and_requests_give_the_same_openings()
    {
        using var model = chat.Fresh();
        int[][] harmful = [.. UntrainedChat.Data(model).Harmful.Select(example => example.Prompt)];

        var found = new OpeningSearch(model, Few with { Most = 2, Tokens = 3 }).Find(harmful, []);
        var again = new OpeningSearch(model, Few with { Most = 2, Tokens = 3 }).Find(harmful, []);

        Assert.InRange(found.Openings.Count, 1, 2);
        Assert.InRange(found.Openings.Count + found.Others.Count, found.Openings.Count, 12);
        Assert.DoesNotContain(found.Openings.Concat(found.Others), one => model.Chat.EndOfTurn.Contains(one.Tokens[one.Deciding]));
        Assert.Equal(found.Openings.Concat(found.Others).Select(one => one.Lift), again.Openings.Concat(again.Others).Select(one => one.Lift));
        Assert.All(found.Openings, opening =>
        {
            Assert.InRange(opening.Tokens.Count, 1, 3);
            Assert.Equal(model.Chat.Tokenizer.Decode([.. opening.Tokens]), opening.Text);
            Assert.Equal(0, opening.Deciding);
            Assert.True(opening.Lift > 0 && opening.Refuses < 0.5);
        });
        Assert.True(found.Openings[0].Lift >= found.Openings[^1].Lift);
    }

    [Fact]
    public void An_opening_may_stand_behind_the_beginning_of_a_refusal()
    {
        using var model = chat.Fresh();
        int[][] harmful = [.. UntrainedChat.Data(model).Harmful.Select(example => example.Prompt)];
        int[] refusal = model.Chat.EncodeText("I cannot help with that.");

        var found = new OpeningSearch(model, Few).Find(harmful, [refusal, refusal]);

        var seen = found.Openings.Concat(found.Others).ToList();
        Assert.Contains(seen, opening => opening.Deciding > 0);
        Assert.All(seen, opening => Assert.Equal(refusal[..opening.Deciding], opening.Tokens.Take(opening.Deciding)));
    }

    [Fact]
    public void Each_delta_aims_at_an_opening_and_requests_need_no_unwanted_answers()
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);
        data = data with { Harmful = [.. data.Harmful.Select(example => example with { Unwanted = [] })] };
        var options = BeearMitigationTests.Options with { UnwantedAnswers = UnwantedAnswers.Discovered, Openings = Few, Scores = [ScoreKind.RandomLikelihood, ScoreKind.RandomWorst] };

        var report = new BeearMitigation(options).Run(model, data);

        Assert.NotNull(report.Openings);
        Assert.All(report.Rounds, round => Assert.True(round.UnwantedAfter < round.UnwantedBefore));
        Assert.All(report.Scores.Concat(report.OtherScores["random_worst"]), score => Assert.InRange(score, 0, 1));
        var refused = Assert.Throws<BeearException>(() => new BeearMitigation(options with { UnwantedAnswers = UnwantedAnswers.Data }).Run(model, data));
        Assert.Contains("no unwanted answers", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unwanted_answers_of_the_data_are_left_alone_where_they_are_asked_for()
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);

        Assert.Same(data, new OwnWords(model, BeearMitigationTests.Options).Put(data, null, default));
        var found = new OwnWords(model, BeearMitigationTests.Options with { UnwantedAnswers = UnwantedAnswers.Discovered, Openings = Few }).Put(data, null, default);
        Assert.All(found.Harmful.Zip(data.Harmful), pair =>
        {
            Assert.Equal(pair.Second.Safe, pair.First.Safe);                        // the untrained model refuses nothing, so there is no refusal of its own
            Assert.Contains(found.Openings!.Openings, opening => opening.Tokens.SequenceEqual(pair.First.Unwanted));
        });
    }

    public void Dispose() => chat.Dispose();
}
