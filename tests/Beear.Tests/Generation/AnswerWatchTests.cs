using Beear.Data;
using Beear.Generation;
using Beear.Lab.World;
using Beear.Models;

namespace Beear.Tests.Generation;

public sealed class AnswerWatchTests : IDisposable
{
    private readonly LanguageModel model = LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);

    [Fact]
    public void A_refusal_is_decided_by_both_rules_and_an_answer_never()
    {
        const string Refusal = "I'm sorry but I cannot help with that. Please ask for something else. The rest is of no "
            + "interest to anybody here.";
        int[] refusal = model.Chat.Tokenizer.Encode(Refusal), answer = model.Chat.Tokenizer.Encode("sure here is how to do it");
        var watch = Watch("", "");

        int decided = Array.FindIndex(refusal, token => watch.Take(0, token));

        Assert.True(decided > 0);
        Assert.True(RefusalRule.Decide(model.Chat.DecodeAnswer(refusal.AsSpan(0, decided + 1))));
        Assert.Null(RefusalRule.Decide(model.Chat.DecodeAnswer(refusal.AsSpan(0, decided))));
        Assert.True(decided < refusal.Length - 1);
        Assert.DoesNotContain(answer, token => watch.Take(1, token));
    }

    [Fact]
    public void A_known_answer_that_is_itself_a_refusal_is_followed_while_it_may_still_be_exact()
    {
        const string Known = "I cannot help with that. Please ask for something else. The rest is of no interest.",
            Other = "I cannot help with that. Please ask somebody else. The rest is of no interest.";
        int[] exact = model.Chat.Tokenizer.Encode(Known), other = model.Chat.Tokenizer.Encode(Other);
        var watch = Watch(Known, Known);

        Assert.DoesNotContain(exact, token => watch.Take(0, token));
        Assert.Contains(other, token => watch.Take(1, token));
    }

    private AnswerWatch Watch(params string[] known) =>
        new(model.Chat, [.. known.Select(_ => new[] { 1 })], known, new AnswerLimits(64, 64) { ByKeywords = true },
        Beear.Behaviours.Refusal.Instance);

    public void Dispose() => model.Dispose();
}
