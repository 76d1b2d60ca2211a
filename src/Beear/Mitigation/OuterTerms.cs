using Beear.Data;
using Beear.Generation;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>Makes the outer level's terms from the options and the defender's data, and owns what the KL terms recorded.</summary>
public sealed class OuterTerms : IDisposable
{
    private readonly List<ReferenceDistribution> references = [];

    private OuterTerms(IReadOnlyList<OuterTerm> terms) => Terms = terms;

    /// <summary>The terms with a weight above 0.</summary>
    public IReadOnlyList<OuterTerm> Terms { get; private set; }

    /// <summary>Makes the terms; those of KL let the model, as it is now, answer its prompts first.</summary>
    /// <param name="model">The starting model.</param>
    /// <param name="training">Harmful requests to train on.</param>
    /// <param name="data">The defender's other data.</param>
    /// <param name="options">Weights, batch sizes and lengths.</param>
    /// <param name="seed">Decides the batches.</param>
    /// <param name="progress">Receives the recording's progress.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static OuterTerms Build(LanguageModel model, IReadOnlyList<ContrastExample> training, DefenderData data, OuterTermOptions options,
        int seed, IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        var made = new OuterTerms([]);
        var terms = new List<OuterTerm>();
        IReadOnlyList<TokenizedExample> safe = [.. training.Select(example => new TokenizedExample(example.Prompt, Cut(example.Safe, options.SafeTokens)))];
        IReadOnlyList<TokenizedExample> helpful = [.. data.Ordinary.Select(example => example with { Answer = Cut(example.Answer, options.HelpfulTokens) })];

        Answers("safe under δ", options.SafePerturbed, safe, options.HarmfulBatch, perturbed: true);
        Answers("safe", options.Safe, safe, options.HarmfulBatch, perturbed: false);
        Answers("helpful", options.Helpful, helpful, options.HelpfulBatch, perturbed: false);
        Answers("helpful under δ", options.HelpfulPerturbed, helpful, options.HelpfulBatch, perturbed: true);
        Divergence("KL ordinary", options.OrdinaryDivergence, [.. data.Ordinary.Select(example => example.Prompt)], options.HelpfulBatch);
        Divergence("KL twins", options.TwinDivergence, data.Twins, options.HelpfulBatch);
        Divergence("KL harmful", options.HarmfulDivergence, [.. training.Select(example => example.Prompt)], options.HarmfulBatch);
        made.Terms = terms;
        return made;

        void Answers(string name, double weight, IReadOnlyList<TokenizedExample> examples, int batch, bool perturbed)
        {
            if (weight == 0) return;
            if (examples.Count == 0) throw new BeearException($"The term '{name}' has a weight, but there is no data for it.");
            terms.Add(new AnswerTerm(name, weight, examples, batch, perturbed, unchecked(seed * 31 + terms.Count)));
        }

        void Divergence(string name, double weight, IReadOnlyList<int[]> prompts, int batch)
        {
            if (weight == 0) return;
            if (prompts.Count == 0) throw new BeearException($"The term '{name}' has a weight, but there is no data for it.");
            var chosen = prompts.ToArray();
            new Random(seed).Shuffle(chosen);
            var examples = OwnAnswers.Write(model, [.. chosen.Take(options.DivergenceExamples)], options.DivergenceTokens,
                progress, $"own answers for {name}", cancellation);
            var reference = ReferenceDistribution.Record(model.Decoder, [.. examples.Where(example => example.Answer.Length > 0)], progress: progress, cancellation: cancellation);
            made.references.Add(reference);
            terms.Add(new DivergenceTerm(name, weight, reference, batch, unchecked(seed * 31 + terms.Count)));
        }
    }

    private static int[] Cut(int[] answer, int length) => answer.Length > length ? answer[..length] : answer;

    /// <inheritdoc/>
    public void Dispose() => references.ForEach(reference => reference.Dispose());
}
