using System.Globalization;
using Beear.Bench;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Spectre.Console;

// Times every kernel beside its plain reference; arguments are BenchmarkDotNet's, e.g. "--filter *RmsNorm*". Besides:
//   encoding TOKENIZER.JSON [TEXT]       times a tokenizer
//   serve MODEL [SECONDS [THREADS]]      times a server of a model under load
//   layers FOLDER                        says what rules for the perturbed layer would have chosen in a sweep over layers (Figure 3)
//   scores FILE.CSV…                     writes the models that a score is held against
switch (args)
{
    case ["encoding", var tokenizer, ..]:
        AnsiConsole.Profile.Width = 120;
        Print("MB/s, one thread", EncodingBench.Run(tokenizer, args.ElementAtOrDefault(2))
            .Select(row => (row.Name, row.MegabytesPerSecond.ToString("0.00", CultureInfo.InvariantCulture))));
        return;
    case ["serve", var served, ..]:
        double seconds = args.Length > 2 ? double.Parse(args[2], CultureInfo.InvariantCulture) : 60;
        int? threads = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : null;
        Print("measured", (await ServeBench.Run(served, seconds, threads)).Select(row => (row.Name, row.Value)));
        return;
    case ["layers", var sweep]:
        LayerRule.Run(sweep);
        return;
    case ["scores", .. var tables]:
        ScoreModels.Run(tables);
        return;
    default:
        // In this process: a copy of libtorch for each benchmark would be half a gigabyte.
        BenchmarkSwitcher.FromAssembly(typeof(KernelBenchmark).Assembly)
            .Run(args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance)));
        return;
}

static void Print(string column, IEnumerable<(string Name, string Value)> rows)
{
    var table = new Table().AddColumns("", column);
    foreach (var (name, value) in rows) table.AddRow(name, value);
    AnsiConsole.Write(table);
}
