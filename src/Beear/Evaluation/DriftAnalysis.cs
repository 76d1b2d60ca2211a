using Beear.Attacks;
using Beear.Data;
using Beear.Kernels;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Evaluation;

/// <summary>
/// The observation behind the method (paper, section 3): a trigger moves the hidden states of all requests in nearly one direction. By
/// layer: how uniform the drifts are, how the inner level's δ compares, which never saw the trigger; and the states with and without it in
/// two dimensions.
/// </summary>
/// <param name="options">Constants.</param>
internal sealed class DriftAnalysis(DriftOptions options)
{
    private const int BatchSize = 16;

    /// <summary>Checks, before weights are loaded, that options and requests fit the model.</summary>
    /// <exception cref="BeearException">There are fewer than two requests, or an option does not fit the model.</exception>
    public void Check(ModelConfig config, IReadOnlyList<Example> requests)
    {
        options.Validate();
        Require.Section("inner", () => options.Inner.Validate(config));
        if (options.ProjectedLayer < 0 || options.ProjectedLayer > config.Layers)
            throw new BeearException($"projected_layer is {options.ProjectedLayer}, but the model has layers 0 to {config.Layers}.");
        if (requests.Count < 2) throw new BeearException("A drift analysis compares requests; give at least two.");
    }

    /// <summary>The same, and that the requests leave room for an answer, with the trigger too.</summary>
    /// <exception cref="BeearException">They do not; the message names the row that one was read from.</exception>
    public void Check(ModelConfig config, ChatFormat chat, IReadOnlyList<Example> requests, Trigger trigger,
        CancellationToken cancellation = default)
    {
        Check(config, requests);
        chat.RequireRoom(requests.Select(request => trigger.Apply(request, chat.Defaults.System)), LongRows.Reading(config), cancellation);
    }

    /// <summary>Measures the drifts.</summary>
    /// <param name="model">The backdoored model.</param>
    /// <param name="requests">Harmful requests; the first <see cref="DriftOptions.Prompts"/> of them.</param>
    /// <param name="trigger">The trigger.</param>
    /// <param name="defender">What the inner level searches δ with.</param>
    /// <param name="progress">Receives the inner level's steps.</param>
    /// <param name="cancellation">Stops between batches and steps.</param>
    /// <exception cref="BeearException">There are fewer than two requests, or an option does not fit the model.</exception>
    public DriftResult Run(LanguageModel model, IReadOnlyList<Example> requests, Trigger trigger, IReadOnlyList<ContrastExample> defender,
        IProgress<RunProgress>? progress = null, CancellationToken cancellation = default)
    {
        Check(model.Config, requests);
        int projected = options.ProjectedLayer ?? model.Config.Layers / 2;
        List<Example> chosen = [.. requests.Take(options.Prompts)];
        var wrong = Triggers.Other(trigger);

        var adversary = new Adversary(model, new MitigationOptions { Inner = options.Inner, Seed = options.Seed }, null);
        using var found = adversary.Find(defender, round: 1, count: 1, progress, cancellation)[0];
        var perturbation = adversary.Apply(found.Result.Delta, found.Number);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        int[] Prompt(Example request, Trigger? put) =>
            model.Chat.EncodeContext((put?.Apply(request, model.Chat.Defaults.System) ?? request).Conversation);
        List<int[]> plain = [.. chosen.Select(request => Prompt(request, null))];
        // (L + 1, N, d)
        Tensor States(IEnumerable<int[]> prompts, Perturbation? delta = null) => Batched(model.Decoder, prompts, delta, cancellation);
        var states = States(plain);
        var triggered = States(chosen.Select(request => Prompt(request, trigger)));
        var other = States(chosen.Select(request => Prompt(request, wrong))) - states;
        var underDelta = States(plain.Select(perturbation.PromptOf), perturbation) - states;
        var drift = triggered - states;
        var layers = Enumerable.Range(0, model.Config.Layers + 1).Select(layer => At(layer, states[layer], drift[layer], other[layer],
            layer < perturbation.Layer ? null : underDelta[layer])).ToList();
        var (points, explained) = PrincipalPlane.Project(cat([states[projected], triggered[projected]], 0));
        return new DriftResult(trigger.Name, chosen.Count, layers, projected, explained,
            [.. points.Select((point, i) => new DriftPoint(point.X, point.Y, i >= chosen.Count))], found.Result.Final.Unwanted);
    }

    /// <summary>The residual stream at each prompt's last token, (L + 1, N, d).</summary>
    internal static Tensor Batched(Decoder decoder, IEnumerable<int[]> prompts, Perturbation? delta, CancellationToken cancellation)
    {
        var parts = new List<Tensor>();
        foreach (var chunk in prompts.Chunk(BatchSize).Divided(prompt => prompt.Length))
        {
            parts.Add(decoder.PromptStates(chunk, delta, cancellation));                                             // (L + 1, B, d)
        }
        return cat(parts, 1);
    }

    private static DriftAtLayer At(int layer, Tensor states, Tensor drift, Tensor other, Tensor? underDelta)
    {
        double norm = states.norm(-1).mean().item<float>();
        double Size(Tensor drifts) => drifts.norm(-1).mean().item<float>() / norm;
        Tensor Mean(Tensor drifts) => drifts.mean([0]);                                                  // (d)
        return new DriftAtLayer(layer, Size(drift), Uniformity(drift), Size(other), Uniformity(other), Cosine(Mean(other), Mean(drift)),
            underDelta is null ? null : Cosine(Mean(underDelta), Mean(drift)));
    }

    /// <summary>Mean cosine over all pairs of rows of (N, d); null if a row is zero.</summary>
    internal static double? Uniformity(Tensor drifts)
    {
        using var scope = NewDisposeScope();
        long count = drifts.size(0);
        var units = drifts / drifts.norm(-1, keepdim: true);                                             // (N, d)
        return Finite((units.sum([0]).Squared().sum().item<float>() - count) / (count * (count - 1.0)));
    }

    private static double? Cosine(Tensor one, Tensor other)
    {
        using var scope = NewDisposeScope();
        return Finite((one.dot(other) / (one.norm() * other.norm())).item<float>());
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

/// <summary>Principal components in the plane.</summary>
internal static class PrincipalPlane
{
    /// <summary>
    /// Projects rows onto their first two principal components; each component's largest entry is positive, so that equal data give equal
    /// pictures.
    /// </summary>
    /// <param name="rows">(N, d).</param>
    /// <returns>A point for each row, and the share of the variance that each component holds.</returns>
    public static (IReadOnlyList<(double X, double Y)> Points, IReadOnlyList<double> Explained) Project(Tensor rows)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var centred = (rows - rows.mean([0], keepdim: true)).to(float32).cpu();                          // (N, d)
        var (_, scales, components) = linalg.svd(centred, fullMatrices: false);                          // (k), (k, d)
        var variances = scales.Squared();
        double all = variances.sum().item<float>();
        var axes = components.narrow(0, 0, 2);                                                           // (2, d)
        var largest = axes.gather(1, axes.abs().argmax(1, keepdim: true));                               // (2, 1)
        var points = centred.matmul((axes * largest.sign()).transpose(0, 1)).contiguous().data<float>().ToArray();   // (N, 2)
        return ([.. points.Chunk(2).Select(point => ((double)point[0], (double)point[1]))],
            [.. variances.narrow(0, 0, 2).data<float>().ToArray().Select(variance => all > 0 ? variance / all : 0)]);
    }
}
