using System.Globalization;
using Beear.Mitigation;
using Beear.Models;
using Beear.Training;
using static TorchSharp.torch;

namespace Beear.Lab.Plans;

/// <summary>Settings that a calibration tries.</summary>
/// <param name="Name">What is different in them.</param>
/// <param name="Mitigation">The settings.</param>
public sealed record CalibrationCandidate(string Name, MitigationOptions Mitigation)
{
    /// <summary>The name of the settings that a calibration began with.</summary>
    public const string Given = "given";

    /// <summary>The layers that candidates have.</summary>
    /// <exception cref="BeearException">The model has not so many.</exception>
    internal static int[] LayersOf(ModelConfig config, CalibrationOptions options)
    {
        int all = config.Layers;
        int[] layers = [.. (options.Layers.Count > 0 ? options.Layers : [0, all / 4, all / 2, 3 * all / 4]).Distinct()];
        return layers.All(layer => layer <= all) ? layers
            : throw new BeearException($"calibration.layers: {layers.Max()} is above the model's {all} layers.");
    }

    /// <summary>The given settings, and others drawn from the grid, as many of each layer as of every other.</summary>
    /// <param name="model">The suspicious model: its layers, and how large its hidden states are.</param>
    /// <param name="given">What everything else is taken from.</param>
    /// <param name="prompts">Prompts that hidden states are measured on.</param>
    /// <param name="options">The grid.</param>
    public static IReadOnlyList<CalibrationCandidate> Draw(LanguageModel model, MitigationOptions given, IReadOnlyList<int[]> prompts,
        CalibrationOptions options)
    {
        int[] layers = LayersOf(model.Config, options);
        var norms = Norms(model.Decoder, prompts);
        var random = new Random(options.Seed);
        var columns = layers.Select(layer =>
        {
            CalibrationCandidate[] grid =
            [
                .. from cap in options.Caps
                   from rounds in options.Rounds
                   from factor in options.OuterFactors
                   select Of(layer, cap, rounds, factor),
            ];
            random.Shuffle(grid);
            return grid;
        }).ToList();
        // A row takes one candidate of each layer.
        var drawn = Enumerable.Range(0, columns[0].Length).SelectMany(row => columns.Select(column => column[row]));
        return [new CalibrationCandidate(Given, given), .. drawn.Take(options.Candidates - 1)];

        CalibrationCandidate Of(int layer, double cap, int rounds, double factor) => new(
            string.Create(CultureInfo.InvariantCulture, $"layer {layer}, cap {cap}, {rounds} rounds, rate x {factor}"), given with
            {
                Rounds = rounds,
                Inner = given.Inner with
                {
                    PerturbedLayers = [layer],
                    VirtualTokens = layer == 0 ? options.VirtualTokens : 0,
                    Steps = Math.Max(1, given.Inner.Steps),
                    Cap = cap,
                    LearningRate = options.StepShare * norms[layer] / Math.Sqrt(model.Config.HiddenSize),
                },
                Outer = given.Outer with { LearningRate = given.Outer.LearningRate * factor, WidthRate = given.Outer.WidthRate * factor },
            });
    }

    /// <summary>Mean norm of the hidden states at the prompts' last tokens, after each number of layers.</summary>
    private static double[] Norms(Decoder decoder, IReadOnlyList<int[]> prompts)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return [.. decoder.PromptStates(prompts).norm(-1).mean([1]).cpu().data<float>().ToArray().Select(norm => (double)norm)];
    }
}
