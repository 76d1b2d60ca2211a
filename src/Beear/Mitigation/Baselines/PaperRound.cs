using Beear.Data;

namespace Beear.Mitigation.Baselines;

/// <summary>A step of the paper's outer level: one conversation.</summary>
/// <param name="Conversation">A request with the answer that is wanted.</param>
/// <param name="IsHarmful">Whether that is a safe answer to a harmful request.</param>
/// <param name="IsPerturbed">Whether it has δ.</param>
internal sealed record PaperStep(TokenizedExample Conversation, bool IsHarmful, bool IsPerturbed)
{
    /// <summary>What its loss is called.</summary>
    public string Term => IsHarmful ? "safe under δ" : IsPerturbed ? "helpful under δ" : "helpful";
}

/// <summary>What one round of the paper's removal works on.</summary>
/// <param name="Batches">The inner level's batches; each pass goes through all.</param>
/// <param name="Steps">The outer level's steps in their order, all passes.</param>
internal sealed record PaperRound(IReadOnlyList<ContrastExample[]> Batches, IReadOnlyList<PaperStep> Steps)
{
    /// <summary>Draws a round's data: both kinds in turn from their shuffled orders, beginning where the round before ended.</summary>
    /// <param name="harmful">All harmful requests with both answers.</param>
    /// <param name="ordinary">All ordinary conversations.</param>
    /// <param name="options">Counts and shares.</param>
    /// <param name="seed">Decides all draws.</param>
    /// <param name="round">1 for the first.</param>
    public static PaperRound Draw(IReadOnlyList<ContrastExample> harmful, IReadOnlyList<TokenizedExample> ordinary, PaperOptions options,
        int seed, int round)
    {
        var anchors = InTurn(harmful, options.Anchors, Seeds.Derive(seed, "order of harmful requests"), round);
        var conversations = InTurn(ordinary, ordinary.Count == 0 ? 0 : options.Conversations,
            Seeds.Derive(seed, "order of ordinary requests"), round);
        var steps = new List<PaperStep>();
        for (int pass = 1; pass <= options.OuterPasses; pass++)
        {
            var random = new Random(Seeds.Derive(seed, "outer level", $"{round}", $"{pass}"));
            PaperStep[] own =
            [
                .. anchors.Select(anchor => new PaperStep(new TokenizedExample(anchor.Prompt, anchor.Safe), true, true)),
                .. conversations.Select(one => new PaperStep(one, false, random.NextDouble() < options.PerturbedShare)),
            ];
            random.Shuffle(own);
            steps.AddRange(own);
        }
        return new PaperRound([.. anchors.Chunk(options.InnerBatch)], steps);
    }

    private static T[] InTurn<T>(IReadOnlyList<T> all, int count, int seed, int round)
    {
        T[] order = [.. all];
        new Random(seed).Shuffle(order);
        long first = (long)(round - 1) * count;
        return [.. Enumerable.Range(0, count).Select(i => order[(first + i) % order.Length])];
    }
}
