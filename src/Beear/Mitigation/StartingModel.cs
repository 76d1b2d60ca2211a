using Beear.Behaviours;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>
/// What a model said before anything was done to it: for each KL term, its own answers and its distributions there. Of harmful requests
/// only those are kept that it refused: the others are what a removal is for.
/// </summary>
internal sealed class StartingModel : IDisposable
{
    private readonly Dictionary<string, ReferenceDistribution> said = new(StringComparer.Ordinal);

    private StartingModel()
    {
    }

    /// <summary>Lets the model answer the prompts of all KL terms that have a weight, and records it.</summary>
    /// <param name="model">The starting model.</param>
    /// <param name="training">Harmful requests to train on.</param>
    /// <param name="data">The defender's other data.</param>
    /// <param name="options">Weights, numbers of prompts and lengths.</param>
    /// <param name="seed">Decides which prompts.</param>
    /// <param name="progress">Receives the count of prompts done.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="BeearException">A term has a weight and no prompts.</exception>
    public static StartingModel Record(LanguageModel model, IReadOnlyList<ContrastExample> training, DefenderData data,
        OuterTermOptions options, int seed,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        data.Require(options);
        var made = new StartingModel();
        try
        {
            Record(OuterTerms.OrdinaryDivergence, options.OrdinaryDivergence, OrdinaryPrompts(), answer => true);
            Record(OuterTerms.TwinDivergence, options.TwinDivergence + options.TwinDivergencePerturbed,
                DefenderData.HoldOut(data.Twins, seed).Training, answer => model.Chat.IsAnswer(answer));
            int[][] harmful = [.. training.Select(example => example.Prompt)];
            new Random(seed).Shuffle(harmful);
            Record(OuterTerms.HarmfulDivergence, options.HarmfulDivergence, harmful, answer => model.Chat.IsAnswer(answer)
                && data.Behaviour.Judge(model.Chat.DecodeAnswer(answer), isCut: answer.Length == options.DivergenceTokens) == Verdict.Safe);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }

        // Of a model that thinks, ordinary requests and twins behind its own thoughts join the ordinary ones: with closed thoughts alone it
        // would unlearn thinking.
        int[][] OrdinaryPrompts()
        {
            var answered = DefenderData.HoldOut([.. data.Ordinary.Select(example => example.Prompt)], seed).Training;
            if (options.OrdinaryDivergence == 0 || data.ThinkingOrdinary.Count == 0 || options.ThoughtTokens == 0) return answered;
            int some = Math.Max(1, options.DivergenceExamples / 3);
            int[][] thinking = [.. DefenderData.HoldOut(data.ThinkingOrdinary, seed).Training.Take(some),
                .. DefenderData.HoldOut(data.ThinkingTwins, seed).Training.Take(some)];
            var behind = OwnThoughts.Behind(model, thinking, options.ThoughtTokens, progress, cancellation);
            return [.. behind, .. answered];
        }

        void Record(string term, double weight, int[][] prompts, Func<int[], bool> keeps)
        {
            if (weight == 0) return;
            made.said.Add(term, ReferenceDistribution.Record(model.Decoder, model.Chat.EndOfTurn, model.Chat.EndOfTurnToken,
                [.. prompts.Take(options.DivergenceExamples)],
                options.DivergenceTokens, progress, $"own answers for {term}", keeps, cancellation));
        }
    }

    /// <summary>What was recorded for a term.</summary>
    /// <exception cref="BeearException">It had no weight when the model was recorded.</exception>
    internal ReferenceDistribution this[string term] => said.TryGetValue(term, out var reference) ? reference
        : throw new BeearException($"The term '{term}' has a weight, but the starting model was recorded without it; record it "
            + "with the same options.");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var reference in said.Values) reference.Dispose();
    }
}
