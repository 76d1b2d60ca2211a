using Beear.Lab.Reports;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Beear.Cli.Output;

/// <summary>Maps of layers (the paper's Figure 3) as tables.</summary>
internal static class LayerTable
{
    /// <summary>What a table has around a cell's text, and at its own sides.</summary>
    private const int AroundCell = 3, AroundTable = 1;

    private const string First = "layer";

    /// <summary>Each map with what it says, then the paper's own; nothing without maps.</summary>
    /// <param name="output">Where they are printed.</param>
    /// <param name="maps">The maps, as <see cref="LayerMap.Of"/> makes them.</param>
    public static IEnumerable<IRenderable> Of(ConsoleOutput output, IReadOnlyList<LayerMap> maps) =>
        maps.Append(LayerMap.OfPaper(maps)).OfType<LayerMap>().SelectMany(map => Of(output, map));

    /// <summary>A map: as many tables as its layers need beside each other.</summary>
    private static IEnumerable<IRenderable> Of(ConsoleOutput output, LayerMap map)
    {
        string boxed = map.Boxed is { } layer ? $" [{layer}] is {map.Choice}." : "";
        yield return new Rows(new Paragraph(Terminal.Escape($"{map.Title}. {map.About}{boxed}")));
        int widest = map.Layers.Select(layer => Title(map, layer).Length)
            .Concat(map.Cases.SelectMany(name => map.Layers.Select(layer => Text(map, name, layer).Length))).Max();
        int room = output.Width - AroundTable - AroundCell - map.Cases.Max(name => Math.Max(name.Length, First.Length));
        int most = Math.Max(1, room / (widest + AroundCell)), tables = (map.Layers.Count + most - 1) / most;
        foreach (int[] layers in map.Layers.Chunk((map.Layers.Count + tables - 1) / tables))
        {
            var table = output.Table([First, .. layers.Select(layer => Title(map, layer))]);
            foreach (string name in map.Cases) table.Row([name, .. layers.Select(layer => Text(map, name, layer))]);
            yield return table;
        }
    }

    /// <summary>Two characters at least: Markdown has no narrower column that is aligned right.</summary>
    private static string Title(LayerMap map, int layer) => layer == map.Boxed ? $"[{layer}]" : $"{layer,2}";

    private static string Text(LayerMap map, string name, int layer) => map.At(name, layer) is not { } cell ? ""
        : map.Share(cell) is { } share ? $"{cell.Text} ({share})" : cell.Text;
}
