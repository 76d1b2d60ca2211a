using Beear.Models;
using Beear.Runtime;

namespace Beear.Mitigation;

/// <summary>How a mitigation runs so that it fits in memory.</summary>
/// <param name="PassTokens">What <see cref="OuterTermOptions.PassTokens"/> is to be: the largest passes that fit.</param>
/// <param name="Estimate">What it then needs.</param>
public sealed record MemoryPlan(int PassTokens, MemoryEstimate Estimate)
{
    /// <summary>Chooses, from shapes and lengths alone: nothing of the model is loaded yet.</summary>
    /// <param name="config">The model.</param>
    /// <param name="isBfloat16">Whether matrix products run in bfloat16.</param>
    /// <param name="options">The mitigation; its passes are not made larger than it says.</param>
    /// <param name="data">The defender's data: its longest prompts and answers count.</param>
    /// <param name="bytes">The memory that may be used.</param>
    /// <exception cref="BeearException">No plan fits; the sentence has the numbers.</exception>
    public static MemoryPlan Choose(ModelConfig config, bool isBfloat16, MitigationOptions options, DefenderData data, long bytes)
    {
        int most = options.Terms.PassTokens;
        MemoryPlan Plan(int passTokens, bool asBfloat16) =>
            new(passTokens, MemoryEstimate.Of(config, asBfloat16, Assumptions(options, data) with { PassTokens = passTokens }));
        MemoryPlan[] plans = [.. new[] { most, most / 2, 0 }.Select(passTokens => Plan(passTokens, isBfloat16))];
        if (plans.FirstOrDefault(plan => plan.Estimate.Total <= bytes) is { } chosen) return chosen;
        var (need, hint) = (plans[^1].Estimate, isBfloat16 || Plan(0, true).Estimate.Total > bytes ? "" : "take --precision bfloat16, ");
        throw new BeearException($"This mitigation needs {ByteSize.Format(need.Total)} ({need}), and it may use {ByteSize.Format(bytes)}; " +
            $"{hint}make terms.harmful_batch, terms.helpful_batch or the answers smaller, or use a machine with more memory.");
    }

    private static MemoryAssumptions Assumptions(MitigationOptions options, DefenderData data)
    {
        var terms = options.Terms;
        int prompt = new[] { data.Harmful.Max(example => example.Prompt.Length), data.Ordinary.Select(example => example.Prompt.Length).DefaultIfEmpty().Max(),
            data.Twins.Select(twin => twin.Length).DefaultIfEmpty().Max() }.Max() + options.Inner.MostVirtualTokens;
        bool helps = terms.Helpful + terms.HelpfulPerturbed > 0, diverges = terms.OrdinaryDivergence + terms.TwinDivergence + terms.HarmfulDivergence > 0;
        int answer = new[] { Math.Min(terms.SafeTokens, data.Harmful.Max(example => example.Safe.Length)), diverges ? terms.DivergenceTokens : 0,
            helps ? Math.Min(terms.HelpfulTokens, data.Ordinary.Select(example => example.Answer.Length).DefaultIfEmpty().Max()) : 0 }.Max();
        return new MemoryAssumptions
        {
            Batch = Math.Max(terms.HarmfulBatch, terms.HelpfulBatch),
            Length = prompt + answer,
            AnswerTokens = Math.Max(answer, 1),
            KeepsBest = options.Rounds is null,
        };
    }
}
