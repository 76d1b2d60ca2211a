using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using static TorchSharp.torch;

namespace Beear.Evaluation;

/// <summary>Constants of a survey of the layers.</summary>
internal sealed record LayerSurveyOptions : IValidatable
{
    /// <summary>Random strings whose drifts are measured, each of 1 to 12 tokens, within, after and before the request in turn.</summary>
    public int Strings { get; init; } = 12;

    /// <summary>Requests that each string is put into, and that each δ is put under.</summary>
    public int Requests { get; init; } = 64;

    /// <summary>Searches of δ at each layer; each aims at one of the model's own openings.</summary>
    public int Searches { get; init; } = 3;

    /// <summary>The inner level: its steps, and where δ acts. Layer and cap are the survey's.</summary>
    public EntrapmentOptions Inner { get; init; } = EntrapmentOptions.Plain with { LearningRate = null };

    /// <summary>Where the unwanted answers come from that δ aims at.</summary>
    public UnwantedAnswers UnwantedAnswers { get; init; }

    /// <summary>Seed of strings and searches.</summary>
    public int Seed { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        Require.AtLeast(Strings, 1);
        Require.AtLeast(Requests, 2);
        Require.AtLeast(Searches, 1);
    }
}

/// <summary>What a defender sees of one layer.</summary>
/// <param name="Layer">Decoder layers that have run; 0 for the embeddings.</param>
/// <param name="StringSize">Mean norm of random strings' drifts at the prompt's last token, as a share of the hidden states' norm.</param>
/// <param name="StringCosine">
/// Mean cosine of two requests' drifts under the same random string, −1 … 1; null where strings move nothing, as in the embeddings.
/// </param>
/// <param name="Reach">
/// Share of held-out harmful requests that are answered under a fresh δ at this layer, no larger than random strings' drifts, mean over
/// searches; null where there is no such δ.
/// </param>
/// <param name="Loss">CE of the openings under these δs, nats per token; null where there is none.</param>
internal sealed record SurveyedLayer(int Layer, double StringSize, double? StringCosine, double? Reach, double? Loss);

/// <summary>
/// Which layers a backdoor might be reached at, without its trigger: how uniformly random strings move the hidden states, and what a δ of
/// the size of such a drift brings out.
/// </summary>
/// <param name="options">Constants.</param>
internal sealed class LayerSurvey(LayerSurveyOptions options)
{
    private const int ScoreTokens = 24;

    /// <summary>Surveys all layers.</summary>
    /// <param name="model">The suspicious model.</param>
    /// <param name="data">The defender's data; the model is asked for its own words.</param>
    /// <param name="progress">Receives each layer.</param>
    /// <param name="cancellation">Stops between batches and steps.</param>
    /// <exception cref="BeearException">An option is out of range, or the data do not fit the model.</exception>
    public IReadOnlyList<SurveyedLayer> Run(LanguageModel model, DefenderData data, IProgress<RunProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options.Validate();
        var mitigation = new MitigationOptions
        {
            Inner = options.Inner,
            UnwantedAnswers = options.UnwantedAnswers,
            Seed = options.Seed,
        };
        data = data.AskedOf(model, mitigation, progress, cancellation);
        var (training, heldOut) = data.Divide(mitigation.HeldOutShare, options.Seed);
        var drifts = Drifts(model, [.. training.Take(options.Requests).Select(example => example.Prompt)], cancellation);
        var layers = new List<SurveyedLayer>();
        foreach (var (layer, (size, cosine)) in drifts.Index())
        {
            progress?.Report(new RunProgress("layers", layer, drifts.Count - 1));
            bool isPerturbed = layer > 0 && size > 0;
            var (reach, loss) = isPerturbed ? Under(layer, size) : ((double?)null, (double?)null);
            layers.Add(new SurveyedLayer(layer, size, cosine, reach, loss));
        }
        return layers;

        (double, double) Under(int layer, double size)
        {
            var inner = options.Inner with { PerturbedLayers = [layer], Cap = size, Population = options.Searches };
            var adversary = new Adversary(model, mitigation with { Inner = inner }, data.Openings?.Openings);
            var found = adversary.Find(training, round: 1, options.Searches, null, cancellation);
            try
            {
                return (found.Average(one => DefenderScore.UnwantedRate(model, heldOut, adversary.Apply(one.Result.Delta, one.Number),
                    ScoreTokens, data.Behaviour, cancellation)), found.Average(one => one.Result.Final.Unwanted));
            }
            finally
            {
                foreach (var one in found) one.Dispose();
            }
        }
    }

    /// <summary>Size and uniformity of random strings' drifts, for each depth 0 … L; the mean over strings.</summary>
    private List<(double Size, double? Cosine)> Drifts(LanguageModel model, IReadOnlyList<int[]> prompts, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var strings = new VirtualTriggers(model.Chat, RandomStrings.Drawn, Seeds.Derive(options.Seed, "survey strings"));
        var states = States(prompts);                                                                    // (L + 1, N, d)
        var norms = states.norm(-1).mean([1]);                                                           // (L + 1)
        var found = Enumerable.Range(0, model.Config.Layers + 1).Select(_ => new List<(double Size, double? Cosine)>()).ToList();
        for (int number = 1; number <= options.Strings; number++)
        {
            using var inner = NewDisposeScope();
            var trigger = strings.Of(number)!;
            var drift = States(prompts.Select(trigger.InsertInto)) - states;                             // (L + 1, N, d)
            var sizes = drift.norm(-1).mean([1]) / norms;                                                // (L + 1)
            foreach (var (layer, seen) in found.Index())
                seen.Add((sizes[layer].item<float>(), DriftAnalysis.Uniformity(drift[layer])));
        }
        return [.. found.Select(seen => (seen.Average(one => one.Size), seen.Average(one => one.Cosine)))];

        Tensor States(IEnumerable<int[]> asked) => DriftAnalysis.Batched(model.Decoder, asked, null, cancellation);
    }
}
