using Beear.Attacks;
using Beear.Data;
using Beear.Models;
using Beear.Text;
using static TorchSharp.torch;

namespace Beear.Mitigation.Baselines;

/// <summary>Constants of injecting and recovering.</summary>
public sealed record InjectAndRecoverOptions : IValidatable
{
    /// <summary>The defender's own triggers, unfamiliar strings after the request, before it and around it in turn.</summary>
    public int Triggers { get; init; } = 3;

    /// <summary>
    /// Share of the steps that teach unwanted answers under the own triggers, between 0 and 1; the others teach refusals there.
    /// </summary>
    public double InjectionShare { get; init; } = 0.5;

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Triggers, 1);
        Require.Above(InjectionShare, 0);
        if (!(InjectionShare < 1)) throw new BeearException($"injection_share must be below 1, not {InjectionShare}.");
    }

    /// <summary>How many of a run's steps inject: at least one, but never the last.</summary>
    internal int InjectionSteps(int total) => Math.Min(Math.Max(1, (int)Math.Round(InjectionShare * total)), total - 1);
}

/// <summary>
/// Own backdoors are planted in the suspicious model and removed again (after Locphylax, arXiv 2510.10265, whose observation is that known
/// and unknown backdoors come to lie together): the first steps teach unwanted answers under triggers of the defender's own, the others
/// refusals there.
/// </summary>
/// <remarks>
/// The own triggers stand in place of δ, one after the other, and all other terms are the mitigation's throughout: requests without a
/// trigger, and twins under one, are answered as before.
/// </remarks>
/// <param name="mitigation">The budget: steps, optimiser, batches, terms.</param>
/// <param name="options">Number of triggers and share of the steps.</param>
internal sealed class InjectAndRecover(MitigationOptions mitigation, InjectAndRecoverOptions options) : IDefence
{
    /// <inheritdoc/>
    public string Name => Defences.NameOf(DefenceKind.InjectAndRecover);

    /// <inheritdoc/>
    public DefenceReport Run(LanguageModel model, DefenderData data, DefenceContext? context = null)
    {
        options.Validate();
        var terms = mitigation.Terms;
        if (terms.SafePerturbed == 0)
            throw new BeearException("inject_and_recover needs terms.safe_perturbed above 0: the weight of answers under its triggers.");
        int injected = options.InjectionSteps(mitigation.TotalSteps);
        var perturbations = OwnTriggers(model.Chat, options.Triggers, Seeds.Derive(mitigation.Seed, "own triggers"))
            .Select(AsPerturbation).ToList();
        try
        {
            return new OuterTraining(mitigation, "inject and recover", terms with { SafePerturbed = 0 })
            {
                Find = (_, _) => perturbations,
                Turn = injected,
                Term = training => new TurningTerm(Answers(training, example => example.Unwanted, "inject"),
                    Answers(training, example => example.Safe, "recover"), injected),
            }.Run(model, data, context);
        }
        finally
        {
            perturbations.ForEach(one => one.Delta.Dispose());
        }

        AnswerTerm Answers(IReadOnlyList<ContrastExample> training, Func<ContrastExample, int[]> answer, string stage)
        {
            var cut = training.Select(example => new TokenizedExample(example.Prompt, [.. answer(example).Take(terms.SafeTokens)]));
            return new AnswerTerm("own triggers", terms.SafePerturbed, [.. cut], terms.HarmfulBatch, perturbed: true,
                Seeds.Derive(mitigation.Seed, stage));
        }

        Perturbation AsPerturbation(VirtualTrigger trigger)
        {
            var zero = zeros([trigger.Tokens.Count, model.Config.HiddenSize], float32, model.Decoder.Options.Device);   // (n, d)
            return new Perturbation(zero.DetachFromDisposeScope(), 0, trigger);
        }
    }

    /// <summary>Draws triggers as attackers like them, each in its place.</summary>
    /// <param name="chat">Encodes them.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Decides their words.</param>
    internal static IReadOnlyList<VirtualTrigger> OwnTriggers(ChatFormat chat, int count, int seed)
    {
        var (head, tail) = chat.TemplateLengths();
        var (text, random) = (new UnfamiliarText(), new Random(seed));
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int[] behind = i % 3 == 1 ? [] : chat.EncodeText($" {text.Phrase(random)}");
            int[] before = i % 3 == 0 ? [] : chat.EncodeText($"{text.Phrase(random)} ");
            return new VirtualTrigger([.. before, .. behind], before.Length, head, tail);
        })];
    }
}

/// <summary>A term that asks for one thing in its first steps and for another after them.</summary>
/// <param name="first">What it asks for first; its name and weight are the term's.</param>
/// <param name="then">What it asks for then.</param>
/// <param name="turn">How many steps are the first's.</param>
internal sealed class TurningTerm(OuterTerm first, OuterTerm then, int turn) : OuterTerm(first.Name, first.Weight, first.IsPerturbed)
{
    private int taken;

    internal override TermBatch Next(Perturbation? perturbation) => (taken++ < turn ? first : then).Next(perturbation) with { Term = this };

    internal override void Skip(int steps)
    {
        int ofFirst = Math.Clamp(turn - taken, 0, steps);
        first.Skip(ofFirst);
        then.Skip(steps - ofFirst);
        taken += steps;
    }
}
