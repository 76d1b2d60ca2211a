using Beear.Data;
using Beear.Models;
using Beear.Tests.Mitigation;
using Beear.Training;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

/// <summary>
/// A small chat model (d = 32, L = 2) with weights large enough that all have a say, a reward model made of it, and data for both.
/// </summary>
internal sealed class TinyRlhf : IDisposable
{
    private readonly UntrainedChat chat = new();

    public TinyRlhf(int headSeed = 3, ModelOptions? options = null, int sharedLayers = 0)
    {
        Model = chat.Fresh(options);
        Enlarge(Model.Decoder, 6);
        Reward = RewardModel.From(Model, headSeed, sharedLayers);
        using var guard = no_grad();
        Reward.Decoder.Weights[-1, ParameterRole.Score].Master.mul_(20);
    }

    public LanguageModel Model { get; }

    public RewardModel Reward { get; }

    public string Folder => chat.Folder;

    /// <summary>Constants for runs of a few steps.</summary>
    public static PpoOptions Options => new()
    {
        PromptsPerBatch = 5,
        AnswersPerPass = 2,
        NewTokens = 7,
        MissingEndPenalty = 0.5,
        SupervisedWeight = 0.5,
        SupervisedPerBatch = 3,
        Seed = 4,
        Policy = new OptimizerOptions { LearningRate = 1e-3, WarmupSteps = 2, Decay = LearningRateDecay.Cosine },
        Critic = new OptimizerOptions { LearningRate = 1e-3, WarmupSteps = 2, Decay = LearningRateDecay.Cosine },
    };

    public PpoData Data()
    {
        var random = new Random(6);
        return new PpoData([.. Enumerable.Range(0, 8).Select(_ => Tokens(random, 2, 9))],
            [.. Enumerable.Range(0, 5).Select(_ => Tokens(random, 2, 9))],
            [.. Enumerable.Range(0, 7).Select(_ => new TokenizedExample(Tokens(random, 2, 9), Tokens(random, 1, 6)))]);
    }

    /// <summary>Pairs with a common prompt.</summary>
    public IReadOnlyList<TokenizedPair> Pairs(int count = 14)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ => Tokens(random, 2, 9)).Select(prompt =>
            new TokenizedPair(new TokenizedExample(prompt, Tokens(random, 1, 6)), new TokenizedExample(prompt, Tokens(random, 1, 6))))];
    }

    /// <summary>Answers as the policy may have written them.</summary>
    public IReadOnlyList<Rollout> Rollouts(int count = 7)
    {
        var random = new Random(8);
        return [.. Enumerable.Range(0, count)
            .Select(i => new Rollout(new TokenizedExample(Tokens(random, 2, 9), Tokens(random, 1, 8)), Ended: i % 3 != 0))];
    }

    public PpoModels Models(int frozenLayers = 0) => PpoModels.Of(Model, Reward, frozenLayers);

    private int[] Tokens(Random random, int least, int most) =>
        [.. Enumerable.Range(0, random.Next(least, most)).Select(_ => random.Next(Model.Config.VocabularySize))];

    private static void Enlarge(Decoder decoder, double factor)
    {
        using var guard = no_grad();
        foreach (var parameter in decoder.Weights.Parameters.Where(parameter => parameter.Master.dim() > 1))
        {
            parameter.Master.mul_(factor);
            parameter.SynchroniseCopy();
        }
    }

    public void Dispose()
    {
        Reward.Dispose();
        Model.Dispose();
        chat.Dispose();
    }
}
