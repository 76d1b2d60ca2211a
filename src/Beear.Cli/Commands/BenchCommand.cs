using System.Globalization;
using Beear.Attacks;
using Beear.Cli.Output;
using Beear.Data;
using Beear.Evaluation;
using Beear.Lab.Benchmarks;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;

namespace Beear.Cli.Commands;

/// <summary>Options of <c>beear bench</c>.</summary>
internal sealed record BenchOptions
{
    /// <summary>A model whose tokenizer and weights are used with real data.</summary>
    [Positional]
    public string? Model { get; init; }

    /// <summary>
    /// Where the base of an adapter lies, as a folder, a .gguf file or a model of the hub; if not given, what its adapter_config.json
    /// names.
    /// </summary>
    public string? AdapterBase { get; init; }

    /// <summary>Instead of a model: a shape by its name, with random weights and random tokens.</summary>
    public string? Shape { get; init; }

    /// <summary>Decoder layers, with a shape, if they are not as many as its own.</summary>
    public int? Layers { get; init; }

    /// <summary>Element type of matrix products; weights stay float32.</summary>
    public Precision Precision { get; init; } = Precision.Bfloat16;

    /// <summary>The data, with a model.</summary>
    [Inline]
    public DataSettings Data { get; init; } = new() { Harmful = "", Twins = 0 };

    /// <summary>Constants of both levels.</summary>
    [Inline]
    public MitigationOptions Mitigation { get; init; } = MitigationOptions.Plain;

    /// <summary>
    /// Time the evaluation instead: the harmful requests answered with and without the trigger, beside plain decoding in batches of 25.
    /// </summary>
    public bool Evaluation { get; init; }

    /// <summary>The evaluation's trigger.</summary>
    [Inline]
    public TriggerSettings Trigger { get; init; } = new() { Trigger = "SUDO" };

    /// <summary>How answers are decoded, with the evaluation.</summary>
    public EvaluationOptions Decoding { get; init; } = new();

    /// <summary>Memory that the engine may use, as of mitigate; with --engine-only, as the textbook implementation saves none.</summary>
    public string? Memory { get; init; }

    /// <summary>How often each is timed; the median counts.</summary>
    public int Repetitions { get; init; } = 3;

    /// <summary>Only the engine, not the textbook implementation that it is compared with.</summary>
    public bool EngineOnly { get; init; }

    /// <summary>Tokens of a prompt, with a shape.</summary>
    public int PromptTokens { get; init; } = 64;

    /// <summary>Tokens of an answer, with a shape.</summary>
    public int AnswerTokens { get; init; } = 40;

    /// <summary>The model that is timed on.</summary>
    internal ModelSettings Source => new() { Model = Model!, AdapterBase = AdapterBase, Precision = Precision };
}

/// <summary><c>beear bench</c>: times the engine beside a plain implementation of the same method.</summary>
internal sealed class BenchCommand(CommandSession session)
    : BeearCommand<BenchOptions>("bench",
        "Time both levels of the removal, or the evaluation, beside a plain implementation of the same method", session)
{
    protected override int Run(BenchOptions options, CommandContext context)
    {
        if (options.Model is null == options.Shape is null) throw new BeearException(
            "Give a model to time on, or --shape for random weights; not both.");
        if (options is { Layers: not null, Shape: null }) throw new BeearException(
            "--layers changes a shape; give --shape in place of a model.");
        if (options is { Memory: not null, EngineOnly: false }) throw new BeearException(
            "--memory lays out the engine alone; add --engine-only.");
        Require.AtLeast(options.Repetitions, 1);
        Require.AtLeast(options.PromptTokens, 1);
        Require.AtLeast(options.AnswerTokens, 1);
        if (options.Evaluation) return EvaluationBench.Run(options, context);
        var result = options.Shape is null ? OnModel(options, context) : OnShape(options, context);
        context.Output.Result(result, shown =>
        {
            var table = context.Output.Table("", "inner step", "of peak", "outer step", "of peak", "outer tokens/s", "peak memory",
                $"{options.Repetitions} rounds");
            foreach (var (name, times) in new[] { ("engine", shown.Engine), ("textbook", shown.Textbook) })
            {
                if (times is null) continue;
                table.Row(name, Seconds(times.InnerSeconds), Percent(times.InnerPeakShare), Seconds(times.OuterSeconds),
                    Percent(times.OuterPeakShare),
                    times.OuterTokensPerSecond.ToString("F0", CultureInfo.InvariantCulture), Size(times.PeakBytes),
                        Seconds(times.TotalSeconds));
            }
            return [table, context.Output.Table("matrix products reach")
                .Row(string.Create(CultureInfo.InvariantCulture, $"{shown.GemmGflops:F0} GFLOP/s"))];
        });
        return ExitCode.Success;
    }

    private static BenchmarkResult OnModel(BenchOptions options, CommandContext context)
    {
        if (options.Data.Harmful.Length == 0) throw new BeearException("A benchmark on a model needs data; add --harmful and --ordinary.");
        int seed = options.Mitigation.Seed;
        var (harmful, ordinary) = DefenderFiles.Read(options.Data, DataSplit.Defender, AnswerUse.Needed, seed, context);
        if (ordinary.Count == 0) throw new BeearException("A benchmark on a model needs ordinary requests; add --ordinary.");
        var (config, chat) = options.Source.Outline(context);
        Benchmark(options).Check(config);
        var data = DefenderData.Encode(chat, harmful, ordinary, []);
        if (options.Memory is not null) options = Planned(options, config, data, context);
        else MemoryBudget.Require(config, chat, options.Precision, options.Mitigation, data,
            [.. harmful.Select(example => example.Asked), .. ordinary], context);
        using var model = options.Source.Load(context, options.Mitigation.Economy.Weights);
        return Measure(model.Decoder, data, options, context);
    }

    private static BenchmarkResult OnShape(BenchOptions options, CommandContext context)
    {
        TorchRuntime.Load();
        var config = ModelShapes.Find(options.Shape!, options.Layers);
        Benchmark(options).Check(config);
        var random = new Random(options.Mitigation.Seed);
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(config.VocabularySize))];
        int examples = Math.Max(options.Mitigation.Terms.HarmfulBatch,
            options.Mitigation.Inner.BatchSize * options.Mitigation.Inner.Batches);
        ContrastExample[] harmful = [.. Enumerable.Range(0, examples)
            .Select(_ => new ContrastExample(Tokens(options.PromptTokens), Tokens(options.AnswerTokens), Tokens(options.AnswerTokens)))];
        TokenizedExample[] ordinary = [.. Enumerable.Range(0, options.Mitigation.Terms.HelpfulBatch)
            .Select(_ => new TokenizedExample(Tokens(options.PromptTokens), Tokens(options.AnswerTokens)))];
        var data = new DefenderData { Harmful = harmful, Ordinary = ordinary };
        if (options.Memory is not null) options = Planned(options, config, data, context);
        using var decoder = Decoder.Random(config, options.Mitigation.Seed,
            ModelSettings.OptionsOf(options.Precision, options.Mitigation.Economy.Weights, context));
        return Measure(decoder, data, options, context);
    }

    /// <summary>The options laid out for a budget; a benchmark keeps no best weights, and has two terms.</summary>
    private static BenchOptions Planned(BenchOptions options, ModelConfig config, DefenderData data, CommandContext context)
    {
        var planned = MemoryBudget.Plan(options.Memory!, config, options.Precision, options.Mitigation with { Rounds = 1 }, data, context);
        return options with { Mitigation = planned };
    }

    private static MitigationBenchmark Benchmark(BenchOptions options) => new(options.Mitigation, options.Repetitions, !options.EngineOnly);

    private static BenchmarkResult Measure(Decoder decoder, DefenderData data, BenchOptions options, CommandContext context) =>
        context.Output.WithProgress(progress => Benchmark(options)
            .Run(decoder, data.Harmful, data.Ordinary, progress, context.Cancellation));

    internal static string Seconds(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:F3} s");

    internal static string Size(long? bytes) => bytes is { } known ? ByteSize.Format(known) : "unknown";

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share:P0}");
}
