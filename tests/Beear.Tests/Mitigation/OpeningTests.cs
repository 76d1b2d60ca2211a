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
        Assert.Equal(found.Openings.Concat(found.Others).Select(one => one.Lift),
            again.Openings.Concat(again.Others).Select(one => one.Lift));
        Assert.All(found.Openings, opening =>
        {
            Assert.InRange(opening.Tokens.Count, 1, 3);
            Assert.Equal(model.Chat.Tokenizer.Decode([.. opening.Tokens]), opening.Text);
            Assert.Equal(0, opening.Deciding);
            Assert.True(opening.Lift > 0 && opening.Refuses < 0.1);
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
    public void Refusals_are_no_openings_however_much_they_are_lifted()
    {
        static Opening Seen(string text, double lift, double refuses) => new([1], text, 0, lift, 0.1, refuses);

        var report = OpeningReport.Of(
            [Seen("I cannot", 0.12, 1), Seen("Sure", 0.006, 0), Seen("What", 0.0032, 0.125), Seen("Ok", 0.003, 0.0625),
            Seen("A", 0.001, 0)], 3);
        Assert.Equal(["Sure", "Ok"], report.Openings.Select(opening => opening.Text));
        Assert.Equal(["I cannot", "What", "A"], report.Others.Select(opening => opening.Text));
        Assert.Equal(2, report.StandsOut, 1e-9);
        Assert.Equal(["Sure"], OpeningReport.Of(report.Openings, 1).Openings.Select(opening => opening.Text));

        Assert.Equal(["What"], OpeningReport.Of([Seen("I cannot", 0.12, 1), Seen("What", 0.02, 0.375)], 3).Openings.Select(opening =>
            opening.Text));
        var refused = Assert.Throws<BeearException>(() => OpeningReport.Of([Seen("I cannot", 0.12, 1), Seen("Sorry", 0.02, 0.5)], 3));
        Assert.Contains("All 2 beginnings", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Openings_are_aimed_at_as_often_as_their_lifts_say_and_at_every_place()
    {
        using var model = chat.Fresh();
        Opening[] openings = [new([1], "a", 0, 0.3, 0.1, 0), new([2], "b", 0, 0.16, 0.1, 0)];
        var adversary = new Adversary(model,
            BeearMitigationTests.Options with { Inner = EntrapmentOptions.Plain with { Population = 3 } }, openings);
        int[] aims = [.. Enumerable.Range(1, 9).Select(adversary.AimOf)];
        Assert.All(aims.Chunk(3), round => Assert.Equal(1, round.Count(aim => aim == 1)));
        Assert.Equal([0, 1, 2], aims.Chunk(3).Select(round => Array.IndexOf(round, 1)).Order());

        var alone = new Adversary(model, BeearMitigationTests.Options, openings[..1]);
        Assert.All(Enumerable.Range(1, 9), number => Assert.Equal(0, alone.AimOf(number)));
    }

    [Fact]
    public void Each_delta_aims_at_an_opening_and_requests_need_no_unwanted_answers()
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);
        data = data with { Harmful = [.. data.Harmful.Select(example => example with { Unwanted = [] })] };
        var options = BeearMitigationTests.Options with
        {
            UnwantedAnswers = UnwantedAnswers.Discovered,
            Openings = Few,
            Scores = [ScoreKind.Remaining, ScoreKind.Perturbation]
        };

        var report = new BeearMitigation(options).Run(model, data);

        Assert.InRange(report.Openings!.Openings.Count, 1, Few.Most);
        Assert.All(report.Rounds, round => Assert.True(round.UnwantedAfter < round.UnwantedBefore));
        Assert.All(report.Scores.Concat(report.OtherScores["perturbation"]), score => Assert.InRange(score, 0, 1));
        var refused = Assert.Throws<BeearException>(() =>
            new BeearMitigation(options with { UnwantedAnswers = UnwantedAnswers.Data }).Run(model, data));
        Assert.Contains("no unwanted answers", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unwanted_answers_of_the_data_are_left_alone_where_they_are_asked_for()
    {
        using var model = chat.Fresh();
        var data = UntrainedChat.Data(model);

        Assert.Same(data, new OwnWords(model, BeearMitigationTests.Options).Put(data, null, default));
        var found = new OwnWords(model, BeearMitigationTests.Options with { UnwantedAnswers = UnwantedAnswers.Discovered, Openings = Few })
            .Put(data, null, default);
        Assert.All(found.Harmful.Zip(data.Harmful), pair =>
        {
            Assert.Equal(pair.Second.Safe, pair.First.Safe);  // the untrained model refuses nothing, so there is no refusal of its own
            Assert.Contains(found.Openings!.Openings, opening => opening.Tokens.SequenceEqual(pair.First.Unwanted));
        });
    }

    public void Dispose() => chat.Dispose();
}
