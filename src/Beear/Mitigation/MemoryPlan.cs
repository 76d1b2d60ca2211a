using System.Globalization;
using Beear.Models;
using Beear.Runtime;
using Beear.Training;

namespace Beear.Mitigation;

/// <summary>How a mitigation runs so that it fits in memory.</summary>
/// <param name="PassTokens">What <see cref="OuterTermOptions.PassTokens"/> is to be.</param>
/// <param name="Economy">What else is to be done.</param>
/// <param name="Estimate">What it then needs.</param>
internal sealed record MemoryPlan(int PassTokens, EconomyOptions Economy, MemoryEstimate Estimate)
{
    private const int SmallestOnGpu = 2048;                              // tokens of a pass that still keep a large GPU busy
    private static readonly int[] Splits = [2048, 1024, 512, 256];

    /// <summary>
    /// Chooses the cheapest plan that fits, from shapes and lengths alone: nothing of the model is loaded yet. As it is; with smaller
    /// passes; with layers run again in backward; with bfloat16 moments; with bfloat16 weights; with layers updated during backward. Each
    /// includes those before it. On a GPU bfloat16 moments and weights come before layers that are run again, and passes too small for it
    /// come last.
    /// </summary>
    /// <param name="config">The model.</param>
    /// <param name="isBfloat16">Whether matrix products run in bfloat16.</param>
    /// <param name="options">The mitigation; its passes are not made larger than it says, and its own economy stays.</param>
    /// <param name="data">The defender's data: its longest prompts and answers count.</param>
    /// <param name="bytes">The memory that may be used.</param>
    /// <param name="onGpu">Whether it is a GPU's.</param>
    /// <exception cref="BeearException">No plan fits; the sentence has the numbers.</exception>
    public static MemoryPlan Choose(ModelConfig config, bool isBfloat16, MitigationOptions options, DefenderData data, long bytes,
        bool onGpu = false)
    {
        var plans = Plans(config, isBfloat16, options, data, onGpu).ToList();
        if (plans.FirstOrDefault(plan => plan.Fits(bytes)) is { } chosen) return chosen;
        bool narrowFits = !isBfloat16 && Plans(config, true, options, data, onGpu).Any(plan => plan.Fits(bytes));
        var need = plans.MinBy(plan => plan.Estimate.Total)!.Estimate;
        throw new BeearException($"This mitigation needs {ByteSize.Format(WithGaps(need))} ({need}, a thirtieth for gaps between tensors), "
            + $"and it may use {ByteSize.Format(bytes)}; " +
            $"{(narrowFits ? "take --precision bfloat16, " : "")}make the batches or the answers smaller, freeze lower layers "
                + "(economy.frozen_layers), or use a machine with more memory.");
    }

    /// <summary>
    /// Refuses data of which a row is so long that a step cannot fit, where no plan was asked for. Nothing of the model is loaded yet.
    /// </summary>
    /// <param name="config">The model.</param>
    /// <param name="isBfloat16">Whether matrix products run in bfloat16.</param>
    /// <param name="options">The mitigation.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="bytes">The machine's memory.</param>
    /// <param name="longest">Names the row with the longest prompt.</param>
    /// <exception cref="BeearException">What a step keeps is more than there is.</exception>
    public static void Require(ModelConfig config, bool isBfloat16, MitigationOptions options, DefenderData data, long bytes,
        Func<string> longest)
    {
        long needed = Plans(config, isBfloat16, options, data, onGpu: false).First().Estimate.Activations;
        if (needed <= bytes) return;
        throw new BeearException(string.Create(CultureInfo.InvariantCulture,
            $"{longest()}: a step with its {new Lengths(options, data).LongestPrompt:N0} tokens needs {ByteSize.Format(needed)}, "
                + $"and this machine has "
            + $"{ByteSize.Format(bytes)}; shorten it, leave its row out, or add --memory auto, which lays the run out to fit."));
    }

    /// <summary>The plans in the order of what they cost.</summary>
    private static IEnumerable<MemoryPlan> Plans(ModelConfig config, bool isBfloat16, MitigationOptions options,
        DefenderData data, bool onGpu)
    {
        var economies = Economies(options.Economy, isBfloat16, onGpu).ToList();
        int[][] stages = onGpu ? [[.. Splits.Where(split => split >= SmallestOnGpu)],
            [.. Splits.Where(split => split < SmallestOnGpu)]] : [Splits];
        return stages.SelectMany(splits => Plans(config, isBfloat16, options, data, splits, economies, onGpu));
    }

    private static IEnumerable<MemoryPlan> Plans(ModelConfig config, bool isBfloat16, MitigationOptions options,
        DefenderData data, int[] splits,
        IEnumerable<EconomyOptions> economies, bool onGpu)
    {
        int most = options.Terms.PassTokens;
        var lengths = new Lengths(options, data);
        foreach (var economy in economies)
        {
            yield return Plan(most, economy);
            yield return Plan(most / 2, economy);
            yield return Plan(0, economy);
            foreach (int split in splits.Where(split => economy.SplitTokens == 0 || split < economy.SplitTokens)) yield return Plan(0,
                economy with { SplitTokens = split });
        }

        MemoryPlan Plan(int passTokens, EconomyOptions economy)
        {
            var estimate = MemoryEstimate.Of(config, isBfloat16, lengths.Assumptions with { PassTokens = passTokens, Economy = economy });
            long compute = isBfloat16 ? 2 : 4;
            var activations = new ActivationEstimate(config, compute);
            long inner = activations.InnerLevel(options.Inner, lengths.Prompt, lengths.InnerAnswers, economy),
                answering = activations.Answering(lengths.LongestPrompt, lengths.ShortAnswer);
            // While the inner level runs, and while the model answers, there are no gradients.
            return new MemoryPlan(passTokens, economy, estimate with
            {
                Activations = Math.Max(estimate.Activations, Math.Max(inner, answering) - estimate.Gradients),
                Program = (onGpu ? MemoryEstimate.ProgramBytesOnGpu : estimate.Program)
                    + compute * config.HiddenSize * lengths.RecordedRows(config.VocabularySize),
            });
        }
    }

    private static IEnumerable<EconomyOptions> Economies(EconomyOptions given, bool isBfloat16, bool onGpu)
    {
        yield return given;
        if (onGpu && isBfloat16) yield return given with { Moments = StoredType.Bfloat16, Weights = StoredType.Bfloat16 };
        yield return given with { Checkpointing = true };
        yield return given = given with { Checkpointing = true, Moments = StoredType.Bfloat16 };
        if (isBfloat16) yield return given = given with { Weights = StoredType.Bfloat16 };
        yield return given with { UpdateInBackward = true };
    }

    /// <summary>Whether it fits with a thirtieth to spare: an estimate is one, and between tensors there are gaps.</summary>
    private bool Fits(long bytes) => WithGaps(Estimate) <= bytes;

    private static long WithGaps(MemoryEstimate estimate) => estimate.Total + estimate.Total / 30;

    /// <summary>The plan, for people.</summary>
    public override string ToString()
    {
        var saved = Economy.ToString();
        return $"passes of at most {PassTokens} tokens or one batch{(saved.Length > 0 ? $", {saved}" : "")}";
    }

    /// <summary>What the defender's data and the options say of lengths and counts.</summary>
    private sealed class Lengths
    {
        private readonly OuterTermOptions terms;
        private readonly DefenderData data;

        public Lengths(MitigationOptions options, DefenderData data)
        {
            (terms, this.data) = (options.Terms, data);
            int ordinary = Longest(data.Ordinary.Select(example => example.Prompt)), twins = Longest(data.Twins);
            Prompt = Longest(data.Harmful.Select(example => example.Prompt)) + options.Inner.MostVirtualTokens;
            bool helps = terms.Helpful > 0, diverges = Divergences.Any(weight => weight > 0);
            int safe = Longest(data.Harmful.Select(example => example.Safe)),
                unwanted = Longest(data.Harmful.Select(example => example.Unwanted));
            int helpful = helps ? Math.Min(terms.HelpfulTokens, Longest(data.Ordinary.Select(example => example.Answer))) : 0;
            int answer = Math.Max(Math.Max(Math.Min(terms.SafeTokens, safe), helpful), diverges ? terms.DivergenceTokens : 1);
            InnerAnswers = Math.Min(options.Inner.AnswerTokens, safe) + Math.Min(options.Inner.AnswerTokens, unwanted);
            int thinking = terms.OrdinaryDivergence > 0 && data.ThinkingOrdinary.Count > 0
                ? Longest(data.ThinkingOrdinary.Concat(data.ThinkingTwins)) + terms.ThoughtTokens : 0;
            LongestPrompt = Math.Max(Math.Max(Math.Max(Prompt, ordinary + options.Inner.MostVirtualTokens), twins), thinking);
            ShortAnswer = Math.Max(options.ScoreTokens, terms.DivergenceTokens);
            Assumptions = new MemoryAssumptions
            {
                Batch = Math.Max(terms.HarmfulBatch, terms.HelpfulBatch),
                Length = LongestPrompt + answer,
                AnswerTokens = answer,
                Terms = new[] { terms.SafePerturbed, terms.Safe, terms.Helpful }.Concat(Divergences).Count(weight => weight > 0),
                KeepsBest = options.Rounds is null,
                KeepsMean = options.AveragedShare > 0,
            };
        }

        public int Prompt { get; }

        public int InnerAnswers { get; }

        public int LongestPrompt { get; }

        /// <summary>Tokens of the longest answer that is recorded for KL or looked at for a score.</summary>
        public int ShortAnswer { get; }

        public MemoryAssumptions Assumptions { get; }

        /// <summary>
        /// Rows of d numbers that are recorded for the KL terms and for usefulness: of the starting model's answers, and its output head.
        /// </summary>
        public long RecordedRows(int vocabulary) =>
            Recorded.Count(weight => weight > 0) * ((long)terms.DivergenceTokens * Math.Min(terms.DivergenceExamples,
            Math.Max(data.Harmful.Count, Math.Max(data.Ordinary.Count, data.Twins.Count))) + vocabulary)
                + UsefulnessFloor.RecordedRows(vocabulary);

        private double[] Divergences =>
            [terms.OrdinaryDivergence, terms.TwinDivergence, terms.TwinDivergencePerturbed, terms.HarmfulDivergence];

        private double[] Recorded => [terms.OrdinaryDivergence, terms.TwinDivergence + terms.TwinDivergencePerturbed,
            terms.HarmfulDivergence];

        private static int Longest(IEnumerable<int[]> sequences) => sequences.Select(sequence => sequence.Length).DefaultIfEmpty().Max();
    }
}
