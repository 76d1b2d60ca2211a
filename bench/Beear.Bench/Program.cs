using System.Globalization;
using Beear.Bench;
using Beear.Runtime;
using Spectre.Console;
using static TorchSharp.torch;

// Times every kernel beside its plain reference. Arguments: the benches to run; none means all.
// "encoding TOKENIZER.JSON [TEXT]" times a tokenizer instead.
AnsiConsole.Profile.Width = 120;
if (args is ["encoding", var tokenizer, ..])
{
    var speeds = new Table().AddColumns("text", "MB/s, one thread");
    foreach (var row in EncodingBench.Run(tokenizer, args.ElementAtOrDefault(2))) speeds.AddRow(row.Name, row.MegabytesPerSecond.ToString("0.00", CultureInfo.InvariantCulture));
    AnsiConsole.Write(speeds);
    return;
}
TorchRuntime.Load();
foreach (var shape in new[] { Shape.SmolLm2, Shape.TinyWorld })
{
    var table = new Table().Title($"{shape.Name}: least time of a call, microseconds, {get_num_threads()} threads").AddColumns("operation", "type", "plain", "fused", "ratio");
    foreach (var row in Benches(shape))
    {
        table.AddRow(row.Name, row.Type.ToString(), Number(row.Plain), row.Fused is { } fused ? Number(fused) : "", row.Fused is { } time ? (row.Plain / time).ToString("0.00", CultureInfo.InvariantCulture) : "");
    }
    AnsiConsole.Write(table);
}

IEnumerable<Row> Benches(Shape shape) =>
    new (string Name, Func<Shape, IEnumerable<Row>> Run)[]
    {
        ("optimiser", OptimiserBench.Run), ("rms-norm", GradientBench.RmsNorm), ("swiglu", GradientBench.SwiGlu),
        ("heads", GradientBench.Heads), ("softmax", GradientBench.Softmax), ("cross-entropy", GradientBench.CrossEntropy),
    }.Where(bench => args.Length == 0 || args.Contains(bench.Name)).SelectMany(bench => bench.Run(shape));

static string Number(double microseconds) => microseconds.ToString(microseconds < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);
