using System.Runtime.InteropServices;

namespace Beear.Models;

/// <summary>What the attention of one layer sees.</summary>
/// <param name="Windowed">Whether only the last <see cref="ModelConfig.SlidingWindow"/> tokens.</param>
/// <param name="Rotates">Whether queries and keys are rotated by their positions.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LayerKind(bool Windowed, bool Rotates)
{
    internal const string FullAttention = "full_attention";
    internal const string SlidingAttention = "sliding_attention";

    /// <summary>Reads which layers have a window and which rotate.</summary>
    /// <param name="family">Its rules hold where config.json says nothing.</param>
    /// <param name="keys">config.json with the family's defaults.</param>
    /// <param name="layers">L.</param>
    /// <returns>The kind of each layer, and the window's length in tokens; null if no layer has one.</returns>
    internal static (LayerKind[] Kinds, int? Window) Read(ModelFamily family, ConfigKeys keys, int layers)
    {
        bool used = !family.Reads("use_sliding_window") || keys.Flag("use_sliding_window");
        int? window = used && keys.Has("sliding_window") ? keys.Count("sliding_window") : null;
        var marked = family.Rotates == RotaryRule.NoRopeLayers ? NoRopeLayers(keys, layers) : Repeat(true, layers);
        var windowed = ReadWindowed(family, keys, window, marked);
        bool some = windowed.Contains(true);
        var kinds = windowed.Zip(marked, (slides, rotates) =>
            new LayerKind(slides, rotates && (slides || window is null || family.Rotates != RotaryRule.WindowedLayers)));
        return ([.. kinds], some ? window : null);
    }

    private static bool[] ReadWindowed(ModelFamily family, ConfigKeys keys, int? window, bool[] rotates)
    {
        int layers = rotates.Length;
        if (family.Windows == WindowRule.All) return Repeat(window is not null, layers);
        if (keys.Has("layer_types")) return LayerTypes(keys, window, layers);
        if (window is null) return Repeat(false, layers);
        return family.Windows switch
        {
            WindowRule.Pattern => AllButEvery(keys.Count("sliding_window_pattern"), layers),
            WindowRule.FromMaxWindowLayers when keys.Whole("max_window_layers") is var first =>
                [.. Enumerable.Range(0, layers).Select(i => i >= first)],
            _ => [.. rotates.Select(rotate => !rotate)],
        };
    }

    private static bool[] LayerTypes(ConfigKeys keys, int? window, int layers)
    {
        var types = keys.List("layer_types", layers);
        return [.. types.Select(node => node?.ToString() switch
        {
            FullAttention => false,
            SlidingAttention when window is not null => true,
            SlidingAttention => throw new BeearException(
                "config.json: 'layer_types' has sliding_attention, but there is no 'sliding_window' in use."),
            var other => throw new BeearException(
                $"config.json: 'layer_types' has '{other}', which is not known; known: {FullAttention}, {SlidingAttention}."),
        })];
    }

    private static bool[] NoRopeLayers(ConfigKeys keys, int layers)
    {
        if (!keys.Has("no_rope_layers")) return AllButEvery(keys.Count("no_rope_layer_interval"), layers);
        return [.. keys.List("no_rope_layers", layers, longer: true).Select(node => node?.ToString() switch
        {
            "1" => true,
            "0" => false,
            var other => throw new BeearException($"config.json: 'no_rope_layers' must hold 1 (rotated) and 0 (not), it has '{other}'."),
        })];
    }

    private static bool[] AllButEvery(int period, int layers) => [.. Enumerable.Range(1, layers).Select(i => i % period != 0)];

    private static bool[] Repeat(bool value, int layers) => [.. Enumerable.Repeat(value, layers)];
}
