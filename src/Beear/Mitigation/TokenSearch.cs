using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Mitigation;

/// <summary>A universal trigger of real tokens that was found.</summary>
/// <param name="Trigger">The tokens and their place.</param>
/// <param name="InitialLoss">Mean CE(y_h) under the random string that the search began with, nats per token.</param>
/// <param name="Loss">The same under the string that was found.</param>
internal sealed record TokenSearchResult(VirtualTrigger Trigger, double InitialLoss, double Loss)
{
    /// <summary>The string as a perturbation: its tokens with a δ of zero on their embeddings.</summary>
    /// <returns>Its δ is in the caller's dispose scope.</returns>
    public Perturbation AsPerturbation(int hiddenSize, Device device) =>
        new(zeros([Trigger.Tokens.Count, hiddenSize], float32, device), 0, Trigger);
}

/// <summary>
/// Greedy coordinate gradient (Zou et al., arXiv 2307.15043): looks for one string of real tokens that makes a model begin unwanted answers
/// to all of a batch of harmful requests. It can do what users can do, and is thereby a fairer adversary than a δ on free embeddings.
/// </summary>
/// <remarks>
/// A string is a δ on the embeddings of the string that the search began with, so <see cref="InnerProblem"/> serves: what stands before
/// the string is computed once, and no weight needs a gradient.
/// </remarks>
/// <param name="model">The model; its weights stand still.</param>
/// <param name="options">Constants.</param>
internal sealed class TokenSearch(LanguageModel model, TokenSearchOptions options)
{
    private readonly Decoder decoder = model.Decoder;
    private readonly RandomTokens random = new(model.Chat);

    /// <summary>Searches.</summary>
    /// <param name="examples">Harmful requests with unwanted answers; safe answers are not looked at.</param>
    /// <param name="seed">Decides requests, beginnings and candidates.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The best string of all restarts.</returns>
    public TokenSearchResult Run(IReadOnlyList<ContrastExample> examples, int seed, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate();
        if (examples.Count == 0) throw new BeearException("There are no harmful requests with unwanted answers to search a string with.");
        var draws = new Random(seed);
        var batch = examples.ToArray();
        draws.Shuffle(batch);
        batch = [.. batch.Take(options.BatchSize)
            .Select(example => example with { Unwanted = [.. example.Unwanted.Take(options.AnswerTokens)], Safe = [] })];
        var (head, tail) = model.Chat.TemplateLengths();
        TokenSearchResult? best = null;
        for (int restart = 0; restart < options.Restarts; restart++)
        {
            var start = new VirtualTrigger(random.Draw(draws, options.Length), restart % 2 * options.Length, head, tail);
            int done = restart * options.Steps;
            void Report(int step, double loss) =>
                progress?.Report(new RunProgress("token search", done + step, options.Restarts * options.Steps, $"CE(unwanted) {loss:F2}"));
            var found = Climb(batch, start, draws, Report, cancellation);
            if (best is null || found.Loss < best.Loss) best = found;
        }
        return best!;
    }

    /// <summary>One search from one string.</summary>
    private TokenSearchResult Climb(ContrastExample[] batch, VirtualTrigger start, Random draws, Action<int, double> report,
        CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        using var problem = new InnerProblem(decoder, batch, 0, options.Length, start, cancellation: cancellation);
        var origin = Embeddings(start.Tokens);                                                           // (m, d)
        int[] tokens = [.. start.Tokens];
        double initial = problem.Loss(zeros_like(origin)).Unwanted, loss = initial;
        for (int step = 1; step <= options.Steps; step++)
        {
            using var stepScope = NewDisposeScope();
            var gradient = problem.Gradient(Embeddings(tokens) - origin, alpha: 0).Gradient;             // (m, d)
            var likely = Likely(gradient);
            foreach (int[] candidate in Candidates(tokens, likely, draws))
            {
                cancellation.ThrowIfCancellationRequested();
                using var candidateScope = NewDisposeScope();
                double tried = problem.Loss(Embeddings(candidate) - origin).Unwanted;
                if (tried < loss) (tokens, loss) = (candidate, tried);
            }
            report(step, loss);
        }
        return new TokenSearchResult(start with { Tokens = tokens }, initial, loss);
    }

    /// <summary>For each place the tokens that promise the least loss there, by the gradient with regard to the choice of token.</summary>
    private int[][] Likely(Tensor gradient)
    {
        var embeddings = decoder.Weights[-1, ParameterRole.Embedding].Compute;                           // (V, d)
        var promised = gradient.to(embeddings.dtype).matmul(embeddings.t());                             // (m, V)
        // Some of the best stand for no text; so a few more are taken.
        long taken = Math.Min(promised.size(1), 4L * options.TopTokens);
        long[] ids = [.. promised.topk((int)taken, dim: 1, largest: false).indexes.cpu().data<long>()];
        return [.. ids.Chunk((int)taken).Select(place => place.Select(id => (int)id)
            .Where(id => id < model.Chat.Tokenizer.VocabularySize && random.IsText(id)).Take(options.TopTokens).ToArray())];
    }

    /// <summary>Strings that differ from one in one token.</summary>
    private IEnumerable<int[]> Candidates(int[] tokens, int[][] likely, Random draws)
    {
        for (int i = 0; i < options.Candidates; i++)
        {
            int place = draws.Next(tokens.Length);
            if (likely[place].Length == 0) continue;
            int[] changed = [.. tokens];
            changed[place] = likely[place][draws.Next(likely[place].Length)];
            yield return changed;
        }
    }

    /// <summary>What stands for tokens at the first layer's input: (m, d).</summary>
    private Tensor Embeddings(IReadOnlyList<int> tokens)
    {
        using var scope = NewDisposeScope();
        return decoder.Embed(tensor([.. tokens.Select(id => (long)id)], device: decoder.Options.Device).unsqueeze(0)).squeeze(0)
            .MoveToOuterDisposeScope();
    }
}
