using Beear.Kernels;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>
/// Decodes answers for many prompts at once: sorted by length, left-padded, with a key/value cache; what all prompts begin with is run
/// once, and finished rows leave the batch.
/// </summary>
/// <param name="decoder">The model.</param>
/// <param name="endOfTurn">Ids that end an answer.</param>
internal sealed class BatchGenerator(Decoder decoder, IReadOnlySet<int> endOfTurn)
{
    /// <summary>
    /// Prompts decoded together where answers are of a dozen tokens or two: their keys and values are few, and larger matrix products cost
    /// less for each.
    /// </summary>
    internal const int ShortAnswers = 96;

    /// <summary>
    /// Gets, before each token, the indices of prompts and the rows that the output head reads for them, (B′, d); rows of finished answers
    /// may be among them.
    /// </summary>
    internal Action<int[], Tensor>? OnRows { get; init; }

    /// <summary>Decodes one answer for each prompt.</summary>
    /// <param name="prompts">Token ids; none empty.</param>
    /// <param name="options">How to decode.</param>
    /// <param name="perturbation">δ added to the prompts' tails; null for none.</param>
    /// <param name="progress">Receives the count of finished prompts.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="isDecided">
    /// Gets the prompt's index and each token of its answer, in their order; true if no more of this answer is wanted: it is cut there.
    /// Null to decode all answers to their ends.
    /// </param>
    /// <param name="cancellation">Stops between tokens, and between the layers of the pass over the prompts.</param>
    /// <returns>The answers in the order of the prompts.</returns>
    public IReadOnlyList<Completion> Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, Perturbation? perturbation = null,
        IProgress<RunProgress>? progress = null, string stage = "generating", Func<int, int, bool>? isDecided = null,
            CancellationToken cancellation = default)
    {
        options.Validate();
        if (prompts.Count == 0) return [];
        if (perturbation is not null) prompts = [.. prompts.Select(perturbation.PromptOf)];
        var results = new Completion[prompts.Count];
        var order = Enumerable.Range(0, prompts.Count).OrderByDescending(i => prompts[i].Length).ThenBy(i => i).ToArray();
        using var sampler = new TokenSampler(options);
        using var guard = no_grad();
        using var prefix = perturbation is null ? SharedPrefix.Of(decoder, prompts, cancellation) : null;
        int done = 0;
        int batches = Chunks.Count(prompts.Count, options.BatchSize);
        // Of nearly equal size, as a small rest would cost as many steps.
        foreach (var rows in order.Chunk(Chunks.Count(prompts.Count, batches)).Divided(i => prompts[i].Length))
        {
            using var scope = NewDisposeScope();
            var batch = new GenerationBatch(decoder, endOfTurn, sampler, [.. rows.Select(i => prompts[i])], perturbation)
            {
                Prefix = prefix,
                OnToken = isDecided is null ? null : (row, token) => isDecided(rows[row], token),
                OnRows = OnRows is null ? null : (alive, read) => OnRows([.. alive.Select(row => rows[row])], read),
            };
            var answers = batch.Run(options.MaxNewTokens, cancellation);
            for (int i = 0; i < rows.Length; i++) results[rows[i]] = answers[i];
            progress?.Report(new RunProgress(stage, done += rows.Length, prompts.Count));
        }
        return results;
    }

    /// <summary>Decodes one answer and hands out each token as soon as it is known.</summary>
    /// <param name="prompt">Token ids; not empty.</param>
    /// <param name="options">How to decode.</param>
    /// <param name="onToken">Called with each token of the answer.</param>
    /// <param name="perturbation">δ; null for none.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public Completion Stream(int[] prompt, GenerationOptions options, Action<int> onToken, Perturbation? perturbation = null,
        CancellationToken cancellation = default)
    {
        options.Validate();
        using var sampler = new TokenSampler(options);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var batch = new GenerationBatch(decoder, endOfTurn, sampler, [perturbation?.PromptOf(prompt) ?? prompt], perturbation)
        {
            OnToken = (_, token) =>
            {
                onToken(token);
                return false;
            },
        };
        return batch.Run(options.MaxNewTokens, cancellation)[0];
    }
}
