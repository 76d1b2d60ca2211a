using System.Globalization;
using Beear.Bench;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Spectre.Console;

// Times every kernel beside its plain reference; arguments are BenchmarkDotNet's, e.g. "--filter *RmsNorm*".
// "encoding TOKENIZER.JSON [TEXT]" times a tokenizer instead, "serve MODEL [SECONDS [THREADS]]" a server of a model under load.
if (args is ["serve", var served, ..])
{
    var load = new Table().AddColumns("what", "measured");
    var seconds = args.Length > 2 ? double.Parse(args[2], CultureInfo.InvariantCulture) : 60;
    int? threads = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : null;
    foreach (var row in await ServeBench.Run(served, seconds, threads)) load.AddRow(row.Name, row.Value);
    AnsiConsole.Write(load);
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
// In this process: a copy of libtorch for each benchmark would be half a gigabyte.
BenchmarkSwitcher.FromAssembly(typeof(KernelBenchmark).Assembly)
    .Run(args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance)));
