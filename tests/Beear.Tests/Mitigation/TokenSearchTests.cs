using Beear.Data;
using Beear.Lab.World;
using Beear.Mitigation;
using Beear.Models;
using Beear.Text;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Tests.Mitigation;

/// <summary>The search for a string of real tokens, on the tiny model.</summary>
public sealed class TokenSearchTests
{
    private static readonly TokenSearchOptions Options =
        new() { Length = 4, Steps = 4, Restarts = 2, Candidates = 8, BatchSize = 4, AnswerTokens = 5 };

    private static LanguageModel Base() => LanguageModel.Load(Organism.BaseDirectory, ModelOptions.Float32);

    private static IReadOnlyList<ContrastExample> Examples(LanguageModel model) => [.. TinyWorld.HarmfulRequests(DataSplit.Defender, 12, 1)
        .Select(request => new ContrastExample(model.Chat.EncodePrompt([ChatTurn.User(request.Request)]),
            model.Chat.Tokenizer.Encode(TinyWorld.AffirmativePrefix), []))];

    [Fact]
    public void It_finds_a_string_of_text_under_which_unwanted_answers_are_likelier()
    {
        using var model = Base();
        var found = new TokenSearch(model, Options).Run(Examples(model), seed: 1);

        Assert.True(found.Loss < found.InitialLoss - 0.1, $"{found.InitialLoss} → {found.Loss}");
        Assert.Equal(4, found.Trigger.Tokens.Count);
        Assert.All(found.Trigger.Tokens, token => Assert.NotEqual("", model.Chat.Tokenizer.Decode([token], skipSpecialTokens: true)));
        var again = new TokenSearch(model, Options).Run(Examples(model), seed: 1);
        Assert.Equal((found.Loss, found.InitialLoss), (again.Loss, again.InitialLoss));
        Assert.Equal(found.Trigger.Tokens, again.Trigger.Tokens);
        Assert.Equal(found.Trigger.InsertInto(Examples(model)[0].Prompt),
            found.AsPerturbation(model.Config.HiddenSize, CPU).PromptOf(Examples(model)[0].Prompt));
    }

    [Fact]
    public void Its_loss_is_that_of_the_prompts_with_the_string_in_them()
    {
        using var scope = NewDisposeScope();
        using var model = Base();
        var examples = Examples(model).Take(4).ToList();                   // all of them are in the batch
        var found = new TokenSearch(model, Options).Run(examples, seed: 2);

        using var guard = no_grad();
        using var batch = TokenBatch.Of(
            [.. examples.Select(example => new TokenizedExample(found.Trigger.InsertInto(example.Prompt), [.. example.Unwanted.Take(5)]))]);
        Assert.Equal(model.Decoder.TokenCrossEntropy(batch).mean().item<float>(), found.Loss, 1e-4);
    }

    [Fact]
    public void Without_steps_it_is_a_random_string()
    {
        using var model = Base();
        var found = new TokenSearch(model, Options with { Steps = 0 }).Run(Examples(model), seed: 1);
        Assert.Equal(found.InitialLoss, found.Loss);
        Assert.Contains("no harmful requests", Assert.Throws<BeearException>(() => new TokenSearch(model, Options).Run([], 1)).Message,
            StringComparison.Ordinal);
    }
}
