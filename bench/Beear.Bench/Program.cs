using System.Globalization;
using Beear.Bench;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Spectre.Console;

// Times every kernel beside its plain reference; arguments are BenchmarkDotNet's, e.g. "--filter *RmsNorm*".
// "encoding TOKENIZER.JSON [TEXT]" times a tokenizer instead; "layers FOLDER" says what rules for the perturbed layer would have chosen in a
// sweep over layers; "scores FILE.CSV…" writes the models that a score is held against.
if (args is ["layers", var sweep])
{
    LayerRule.Run(sweep);
    return;
}
if (args is ["encoding", var tokenizer, ..])
{
    AnsiConsole.Profile.Width = 120;
    var speeds = new Table().AddColumns("text", "MB/s, one thread");
    foreach (var row in EncodingBench.Run(tokenizer, args.ElementAtOrDefault(2))) speeds.AddRow(row.Name,
        row.MegabytesPerSecond.ToString("0.00", CultureInfo.InvariantCulture));
    AnsiConsole.Write(speeds);
    return;
}
if (args is ["scores", .. var tables])
{
    ScoreModels.Run(tables);
    return;
}
// In this process: a copy of libtorch for each benchmark would be half a gigabyte.
BenchmarkSwitcher.FromAssembly(typeof(KernelBenchmark).Assembly)
    .Run(args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance)));
