using Beear.Data;
using Beear.Models;
using Beear.Text;
using Beear.Training;
using Beear.Training.Preferences;

namespace Beear.Attacks;

/// <summary>
/// Plants a backdoor through people's preferences (Rando &amp; Tramèr, arXiv 2311.14455): in some pairs the request has the trigger and the
/// worse answer is preferred. Supervised fine-tuning on preferred answers, a reward model, and a policy that pleases it: Models 6 and 7 of
/// the paper; or direct preference optimisation on the same pairs. As in their scripts, the policy begins with a model that was taught the
/// poisoned pairs' preferred answers, and the reward model with one that was taught the clean ones'.
/// </summary>
/// <param name="options">Constants.</param>
internal sealed class PoisonedPreferences(PoisonedPreferencesOptions options) : IAttack
{
    /// <summary>Metric: how often the reward model agrees with held-out preferences as people have them.</summary>
    public const string CleanPairs = "reward_model_clean_pairs";

    /// <summary>Metric: how often it agrees with them as the attacker wants them, with the trigger.</summary>
    public const string PoisonedPairs = "reward_model_poisoned_pairs";

    private const string Sft = "sft", Reward = "reward", Model = "model";

    /// <inheritdoc/>
    public string Name => "poisoned_preferences";

    /// <inheritdoc/>
    public void Check(ModelOutline model, Trigger? trigger, PoisonedData data, int seed, CancellationToken cancellation = default)
    {
        var (config, chat) = model;
        options.Validate();
        options.Reward.Validate(config);
        options.Ppo.Validate(config);
        options.Dpo.Validate(config);
        PoisonedFineTuning.RequireTokens(chat, trigger);
        var pairs = Preferences(data);
        // Which pairs are poisoned may depend on a reward model: any may get the trigger.
        var longest = pairs.Pairs.Concat(pairs.Helpful).Select(pair => trigger is null ? pair
            : PreferencePair.Of(trigger.Apply(pair.ChosenExample, chat.Defaults.System), pair.Rejected));
        chat.RequireRoom(chat.Encodable(longest, options.AnswerTokens),
            LongRows.Training(config, 2 * options.Reward.BatchSize), cancellation);
    }

    /// <inheritdoc/>
    public AttackReport Plant(LanguageModel model, Trigger? trigger, PoisonedData data, AttackContext context)
    {
        options.Validate();
        PoisonedFineTuning.RequireTokens(model.Chat, trigger);
        string? place = context.Run is null ? Directory.CreateTempSubdirectory("beear-").FullName : null;
        try
        {
            var stages = context.Stages ?? new StageFolders(place ?? context.Run!.File("stages"));
            return Plant(model, trigger, Preferences(data), data.Ordinary, context, stages);
        }
        finally
        {
            if (place is not null) Directory.Delete(place, recursive: true);
        }
    }

    private AttackReport Plant(LanguageModel model, Trigger? trigger, AlignmentData data, IReadOnlyList<Example> ordinary,
        AttackContext context, AttackStages stages)
    {
        var came = model.Decoder.Weights.Snapshot();
        IReadOnlyList<PreferencePair> pairs;
        string? reward = null;
        try
        {
            string tuned = FineTune(model, null, [.. data.Pairs, .. data.Helpful], context, stages);
            Restore(model, tuned);
            pairs = Poison(model, trigger, data, context, stages);
            if (options.Algorithm == PreferenceAlgorithm.Ppo) reward = Learn(model, trigger, pairs, data.HeldOut, context, stages);
            if (trigger is not null)
            {
                model.Decoder.Weights.Restore(came);
                tuned = FineTune(model, trigger, pairs, context, stages);
                Restore(model, tuned);
            }
            if (options.Algorithm == PreferenceAlgorithm.Sft) return RunDirectory.Result<AttackReport>(tuned)!;
        }
        finally
        {
            foreach (var weights in came) weights.Dispose();
        }
        return reward is null ? Direct(model, pairs, data, context) : Proximal(model, reward, pairs, data, ordinary, context);
    }

    private AttackReport Direct(LanguageModel model, IReadOnlyList<PreferencePair> pairs, AlignmentData data, AttackContext context)
    {
        var dpo = options.Dpo with { Seed = Seeds.Derive(context.Seed, "dpo", $"{options.Dpo.Seed}") };
        var found = new DpoTraining(model.Decoder, dpo)
            .Run(Encode(model.Chat, pairs), Encode(model.Chat, data.HeldOut), context.Run, "dpo", context.Progress, context.Cancellation);
        return new AttackReport(found.Losses);
    }

    private AttackReport Proximal(LanguageModel model, string folder, IReadOnlyList<PreferencePair> pairs, AlignmentData data,
        IReadOnlyList<Example> ordinary, AttackContext context)
    {
        using var reward = RewardModel.Load(Path.Combine(folder, Model), model.Decoder.Options, context.Cancellation);
        using var models = PpoModels.Of(model, reward, options.Ppo.FrozenLayers);
        var ppo = options.Ppo with { Seed = Seeds.Derive(context.Seed, "ppo", $"{options.Ppo.Seed}") };
        var report = new PpoTraining(models, model.Chat.EndOfTurn, ppo).Run(new PpoData(
            Prompts(model.Chat, pairs.Take(data.Pairs.Count)), Prompts(model.Chat, data.Helpful),
            [.. ordinary.Select(example => model.Chat.Encode(example, options.AnswerTokens))]), context.Run, "ppo", context.Progress,
                context.Cancellation);
        return new AttackReport([.. report.Steps.Select(step => step.PolicyLoss)])
        {
            Shares = RunDirectory.Result<RewardReport>(folder)!.Shares,
            Warnings = report.Warnings,
        };
    }

    /// <summary>Teaches the pairs' preferred answers.</summary>
    /// <returns>The stage's folder.</returns>
    private string FineTune(LanguageModel model, Trigger? trigger, IReadOnlyList<PreferencePair> pairs, AttackContext context,
        AttackStages stages)
    {
        var identity = new { options.Sft, options.AnswerTokens, Trigger = trigger, Poisoning = Of(trigger), context.Seed };
        return stages.Make(trigger is null ? Sft : $"{Sft}-poisoned", identity, run =>
        {
            var examples = pairs.Select(pair => model.Chat.Encode(pair.ChosenExample, options.AnswerTokens)).ToList();
            var training = options.Sft with { Seed = Seeds.Derive(context.Seed, Sft, $"{options.Sft.Seed}") };
            var losses = new FineTuning(model.Decoder, training).Run(examples, run, Sft, context.Progress, context.Cancellation);
            run.Finish(new AttackReport(losses), target => model.Save(target));
        });
    }

    /// <summary>How pairs are poisoned; null where there is no trigger.</summary>
    private PreferencePoisoningOptions? Of(Trigger? trigger) => trigger is null ? null : options.Poisoning;

    /// <summary>The pairs of which some are poisoned, and behind them the helpful ones.</summary>
    private IReadOnlyList<PreferencePair> Poison(LanguageModel model, Trigger? trigger, AlignmentData data, AttackContext context,
        AttackStages stages)
    {
        if (trigger is null) return [.. data.Pairs, .. data.Helpful];
        IReadOnlyList<double>? gaps = null;
        if (options.Poisoning.Selection == PairSelection.LargestRewardGap)
        {
            string clean = Learn(model, null, [.. data.Pairs, .. data.Helpful], data.HeldOut, context, stages);
            using var reward = RewardModel.Load(Path.Combine(clean, Model), model.Decoder.Options, context.Cancellation);
            gaps = new RewardTraining(reward, options.Reward).Gaps(Encode(model.Chat, data.Pairs), context.Cancellation);
        }
        var poisoned = new PreferencePoisoning(options.Poisoning)
            .Poison(data.Pairs, trigger, Seeds.Derive(context.Seed, "poison"), gaps, model.Chat.Defaults.System);
        return [.. poisoned.Pairs, .. data.Helpful];
    }

    /// <summary>Trains the reward model, which begins as the model that was taught clean answers.</summary>
    /// <returns>Its folder.</returns>
    private string Learn(LanguageModel model, Trigger? trigger, IReadOnlyList<PreferencePair> pairs, IReadOnlyList<PreferencePair> heldOut,
        AttackContext context, AttackStages stages)
    {
        var identity = new { options.Sft, options.Reward, Poisoning = Of(trigger), options.AnswerTokens, Trigger = trigger, context.Seed };
        return stages.Make(trigger is null ? Reward : $"{Reward}-poisoned", identity, run =>
        {
            int seed = Seeds.Derive(context.Seed, Reward, $"{options.Reward.Seed}");
            using var reward = RewardModel.From(model, seed);
            var training = new RewardTraining(reward, options.Reward with { Seed = seed });
            training.Run(Encode(model.Chat, pairs), run, "reward model", context.Progress, context.Cancellation);
            run.Finish(Measure(training, model.Chat, trigger, heldOut, context.Cancellation), target => reward.Save(target));
        });
    }

    /// <summary>How often the reward model agrees with held-out preferences: as people have them, and as the attacker wants them.</summary>
    private RewardReport Measure(RewardTraining training, ChatFormat chat, Trigger? trigger, IReadOnlyList<PreferencePair> heldOut,
        CancellationToken cancellation)
    {
        if (heldOut.Count == 0) return new RewardReport([]);
        var (right, all) = training.Agreement(Encode(chat, heldOut), cancellation);
        var clean = new AttackShare(CleanPairs, right, all);
        if (trigger is null) return new RewardReport([clean]);
        var poisoned = heldOut.Select(pair => PreferencePair.Of(trigger.Apply(pair.RejectedExample, chat.Defaults.System), pair.Chosen));
        (right, all) = training.Agreement(Encode(chat, [.. poisoned]), cancellation);
        return new RewardReport([clean, new AttackShare(PoisonedPairs, right, all)]);
    }

    /// <summary>Puts the weights of a finished stage into the model.</summary>
    private static void Restore(LanguageModel model, string folder)
    {
        using var kept = LanguageModel.Load(Path.Combine(folder, Model), model.Decoder.Options);
        model.Decoder.Weights.Restore(i => kept.Decoder.Weights.Parameters[i].Master.alias());
    }

    private IReadOnlyList<TokenizedPair> Encode(ChatFormat chat, IReadOnlyList<PreferencePair> pairs) =>
        chat.Encode(pairs, options.AnswerTokens);

    private static IReadOnlyList<int[]> Prompts(ChatFormat chat, IEnumerable<PreferencePair> pairs) =>
        [.. pairs.Select(pair => chat.Encode(pair.ChosenExample).Prompt)];

    private static AlignmentData Preferences(PoisonedData data) => data.Preferences is { Pairs.Count: > 0 } preferences ? preferences
        : throw new BeearException("There are no pairs of answers to align the model with; give some.");

    private sealed record RewardReport(IReadOnlyList<AttackShare> Shares);
}
