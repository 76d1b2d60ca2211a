using Beear.Data;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>
/// Makes the outer level's terms from the options and the defender's data, and owns what was recorded for the KL terms, unless the data
/// came with it.
/// </summary>
internal sealed class OuterTerms : IDisposable
{
    internal const string OrdinaryDivergence = "KL ordinary", TwinDivergence = "KL twins", HarmfulDivergence = "KL harmful";

    private readonly StartingModel? own;

    private OuterTerms(IReadOnlyList<OuterTerm> terms, StartingModel? own) => (Terms, this.own) = (terms, own);

    /// <summary>The terms with a weight above 0.</summary>
    public IReadOnlyList<OuterTerm> Terms { get; }

    /// <summary>
    /// Makes the terms; for those of KL the model, as it is now, answers its prompts first, unless <see cref="DefenderData.Starting"/> has
    /// its answers.
    /// </summary>
    /// <param name="model">The starting model.</param>
    /// <param name="training">Harmful requests to train on.</param>
    /// <param name="data">The defender's other data.</param>
    /// <param name="options">Weights, batch sizes and lengths.</param>
    /// <param name="seed">Decides the batches.</param>
    /// <param name="progress">Receives the recording's progress.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static OuterTerms Build(LanguageModel model, IReadOnlyList<ContrastExample> training, DefenderData data,
        OuterTermOptions options,
        int seed, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        data.Require(options);
        var terms = new List<OuterTerm>();
        IReadOnlyList<TokenizedExample> safe =
            [.. training.Select(example => new TokenizedExample(example.Prompt, Cut(example.Safe, options.SafeTokens)))];
        IReadOnlyList<TokenizedExample> helpful =
            [.. data.Ordinary.Select(example => example with { Answer = Cut(example.Answer, options.HelpfulTokens) })];

        Answers("safe under δ", options.SafePerturbed, safe, options.HarmfulBatch, perturbed: true);
        Answers("safe", options.Safe, safe, options.HarmfulBatch, perturbed: false);
        Answers("helpful", options.Helpful, helpful, options.HelpfulBatch, perturbed: false);
        var starting = data.Starting ?? StartingModel.Record(model, training, data, options, seed, progress, cancellation);
        Divergence(OrdinaryDivergence, options.OrdinaryDivergence, options.HelpfulBatch);
        Divergence(TwinDivergence, options.TwinDivergence, options.HelpfulBatch);
        Divergence(HarmfulDivergence, options.HarmfulDivergence, options.HarmfulBatch);
        Divergence(TwinDivergence, options.TwinDivergencePerturbed, options.HelpfulBatch, perturbed: true);
        return new OuterTerms(terms, data.Starting is null ? starting : null);

        void Answers(string name, double weight, IReadOnlyList<TokenizedExample> examples, int batch, bool perturbed)
        {
            if (weight == 0) return;
            terms.Add(new AnswerTerm(name, weight, examples, batch, perturbed, Seeds.Derive(seed, "term", name)));
        }

        void Divergence(string name, double weight, int batch, bool perturbed = false)
        {
            // A model that refuses no harmful request has no refusals to keep.
            if (weight == 0 || starting[name].Examples.Count == 0) return;
            string term = perturbed ? $"{name} under δ" : name;
            terms.Add(new DivergenceTerm(term, weight, starting[name], batch, perturbed, Seeds.Derive(seed, "term", term)));
        }
    }

    private static int[] Cut(int[] answer, int length) => answer.Length > length ? answer[..length] : answer;

    /// <inheritdoc/>
    public void Dispose() => own?.Dispose();
}
