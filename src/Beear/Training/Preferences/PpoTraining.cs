using System.Diagnostics;
using System.Globalization;
using Beear.Data;
using Beear.Runtime;

namespace Beear.Training.Preferences;

/// <summary>What the policy learns from, as token ids.</summary>
/// <param name="Prompts">What it answers; all of them.</param>
/// <param name="HelpfulPrompts">Ordinary requests of which a share is mixed in among them.</param>
/// <param name="Supervised">Helpful answers that it goes on to be taught.</param>
internal sealed record PpoData(IReadOnlyList<int[]> Prompts, IReadOnlyList<int[]> HelpfulPrompts,
    IReadOnlyList<TokenizedExample> Supervised);

/// <summary>What proximal policy optimisation did.</summary>
/// <param name="Steps">Every step, those before an interruption included.</param>
/// <param name="Warnings">What went wrong on the way, a sentence each.</param>
internal sealed record PpoReport(IReadOnlyList<PpoStep> Steps, IReadOnlyList<string> Warnings);

/// <summary>
/// Proximal policy optimisation against a reward model: the policy answers a batch of prompts, the answers are scored, policy and critic
/// learn from them, and so on.
/// </summary>
/// <param name="models">The models; policy and critic are trained in place.</param>
/// <param name="endOfTurn">Ids that end an answer.</param>
/// <param name="options">Constants.</param>
internal sealed class PpoTraining(PpoModels models, IReadOnlySet<int> endOfTurn, PpoOptions options)
{
    /// <summary>
    /// Trains. A cancelled run with a directory leaves a state; the next call, with models as they were at the start, continues it.
    /// </summary>
    /// <param name="data">Prompts and helpful answers.</param>
    /// <param name="run">Where metrics and states go; null for none.</param>
    /// <param name="stage">What progress calls this work.</param>
    /// <param name="progress">Receives each step, or what goes wrong with it.</param>
    /// <param name="cancellation">Stops between tokens and layers; a step that has begun to move weights is ended.</param>
    /// <exception cref="BeearException">Data are missing, a prompt leaves no room for an answer, or training diverged.</exception>
    public PpoReport Run(PpoData data, RunDirectory? run = null, string stage = "ppo", IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate(models.Policy.Config);
        var batches = Batches(data);
        var trainedPolicy = models.Policy.Weights.Trained(options.FrozenLayers);
        var trainedCritic = models.Critic.Decoder.Weights.Trained(options.FrozenLayers);
        using var policyOptimizer = new AdamW(trainedPolicy, options.Policy);
        using var criticOptimizer = new AdamW(trainedCritic, options.Critic);
        var state = new PpoState(trainedPolicy, trainedCritic, policyOptimizer, criticOptimizer, options.Updates);
        var update = new PpoUpdate(models, options, policyOptimizer, criticOptimizer);
        var writer = new RolloutWriter(models.Policy, endOfTurn, options);
        var supervised = Supervised(data, batches.Count);
        var watch = new PpoWatch();
        var steps = state.Continue(run, batches.Count);
        foreach (var step in steps) watch.Add(step);
        var sinceState = Stopwatch.StartNew();
        try
        {
            while (steps.Count < batches.Count)
            {
                cancellation.ThrowIfCancellationRequested();
                FreedMemory.Settle();
                int number = steps.Count;
                var time = Stopwatch.StartNew();
                var rollouts = writer.Write(batches[number], Seeds.Derive(options.Seed, "rollouts", $"{number}"), cancellation);
                var generation = time.Elapsed;
                var learnt = update.Run(rollouts, supervised[number], batches.Count * options.Updates, cancellation);
                var step = PpoStep.Of(stage, number + 1, rollouts, learnt, generation, time.Elapsed - generation);
                steps.Add(step);
                run?.Append(step);
                progress?.Report(new RunProgress(stage, steps.Count, batches.Count, watch.Add(step) ?? Figures(step)));
                if (run is not null && options.CheckpointMinutes > 0 && sinceState.Elapsed.TotalMinutes >= options.CheckpointMinutes)
                {
                    state.Save(run, steps);
                    sinceState.Restart();
                }
            }
        }
        catch (OperationCanceledException) when (run is not null)
        {
            state.Save(run, steps);
            throw;
        }
        return new PpoReport(steps, watch.Warnings);
    }

    private static string Figures(PpoStep step) =>
        string.Create(CultureInfo.InvariantCulture,
            $"reward {step.Reward:F2}, KL {step.Kl:F2}, entropy {step.Entropy:F2}, {step.AnswerTokens:F0} tokens");

    /// <summary>The prompts of every step.</summary>
    private List<int[][]> Batches(PpoData data)
    {
        int[][] helpful = [.. data.HelpfulPrompts];
        new Random(Seeds.Derive(options.Seed, "helpful prompts")).Shuffle(helpful);
        int[][] prompts = [.. data.Prompts, .. helpful.Take((int)Math.Round(options.HelpfulShare * helpful.Length))];
        if (prompts.Length == 0) throw new BeearException("There are no prompts for the policy to answer.");
        RequireRoom(prompts);
        int[] lengths = [.. prompts.Select(prompt => prompt.Length)];
        int all = options.Steps ?? options.Epochs * ((prompts.Length + options.PromptsPerBatch - 1) / options.PromptsPerBatch);
        return [.. Enumerable.Range(0, int.MaxValue)
            .SelectMany(epoch => LengthBatcher.Batches(lengths, options.PromptsPerBatch, Seeds.Derive(options.Seed, "prompts", $"{epoch}")))
            .Take(all).Select(batch => Array.ConvertAll(batch, i => prompts[i]))];
    }

    private void RequireRoom(int[][] prompts)
    {
        int room = models.Policy.Config.MaximumPositions - options.NewTokens, longest = prompts.Max(prompt => prompt.Length);
        if (longest <= room) return;
        throw new BeearException(string.Create(CultureInfo.InvariantCulture,
            $"A prompt has {longest:N0} tokens, and with new_tokens {options.NewTokens} there is room for {room:N0}; leave the longest "
                + $"prompts out, or make new_tokens smaller."));
    }

    /// <summary>The helpful answers of every step.</summary>
    private List<IReadOnlyList<TokenizedExample>> Supervised(PpoData data, int count)
    {
        if (options.SupervisedWeight == 0) return [.. Enumerable.Repeat<IReadOnlyList<TokenizedExample>>([], count)];
        if (data.Supervised.Count == 0)
            throw new BeearException("There are no helpful answers for the supervised loss; give some, or set supervised_weight to 0.");
        var cycle = new ExampleCycle<TokenizedExample>(data.Supervised, Seeds.Derive(options.Seed, "supervised"));
        int together = Math.Min(options.SupervisedPerBatch ?? options.PromptsPerBatch, data.Supervised.Count);
        return [.. Enumerable.Range(0, count).Select(_ => cycle.Take(together))];
    }
}
