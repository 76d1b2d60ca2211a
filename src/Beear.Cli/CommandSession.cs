using System.CommandLine;
using Beear.Cli.Output;
using Beear.Hub;
using Beear.Kernels.Cuda;
using Beear.Runtime;
using TorchSharp;

namespace Beear.Cli;

/// <summary>One run of the program: its streams, its cancellation, and the options that every command has.</summary>
/// <param name="input">Standard input.</param>
/// <param name="output">Standard output: results only.</param>
/// <param name="error">Standard error: progress, warnings, errors.</param>
/// <param name="cancellation">Cancelled by Ctrl-C.</param>
internal sealed class CommandSession(TextReader input, TextWriter output, TextWriter error, CancellationToken cancellation)
{
    public TextReader Input { get; } = input;

    public TextWriter Output { get; } = output;

    public TextWriter Error { get; } = error;

    public CancellationToken Cancellation { get; } = cancellation;

    public OptionFlags<GlobalSettings> Globals { get; } = new(globals: null);

    /// <summary>Whether a defect is thrown on, as tests want it.</summary>
    public bool ThrowsUnexpected { get; init; }

    /// <summary>Where the hub is.</summary>
    public Func<HubSettings> Hub { get; init; } = HubSettings.FromEnvironment;

    /// <summary>What a command is given to run with.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="choosesDevice">Whether the command takes a CUDA device by itself, so that a libtorch for it is looked for.</param>
    public CommandContext Start(ParseResult parse, bool choosesDevice = false)
    {
        var settings = Globals.Read(parse);
        bool isNamed = settings.Libtorch is not null
            || !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(TorchRuntime.LibtorchVariable));
        if (!isNamed && settings.Device == DeviceKind.Cuda) settings = settings with { Libtorch = InstalledPyTorch.Find() };
        if (!isNamed && settings.Device is null && choosesDevice && CudaKernels.HasDriver)
            settings = settings with { Libtorch = InstalledPyTorch.FindForCuda() };
        if (settings.Libtorch is not null || settings.Threads is not null) TorchRuntime.Load(settings.Libtorch);
        if (settings.Threads is { } threads) torch.set_num_threads(threads);
        return new CommandContext(settings, new ConsoleOutput(Output, Error, settings.Json, settings.Quiet), Input,
            Cancellation)
        { Hub = Hub };
    }
}

/// <summary>What a running command works with.</summary>
/// <param name="Settings">The options that every command has.</param>
/// <param name="Output">Where results, notes and progress go.</param>
/// <param name="Input">Standard input.</param>
/// <param name="Cancellation">Cancelled by Ctrl-C.</param>
internal sealed record CommandContext(GlobalSettings Settings, ConsoleOutput Output, TextReader Input, CancellationToken Cancellation)
{
    /// <summary>Where the hub is.</summary>
    public required Func<HubSettings> Hub { get; init; }

    /// <summary>The device that was asked for.</summary>
    /// <exception cref="BeearException">There is no such device.</exception>
    public torch.Device Device()
    {
        TorchRuntime.Load(Settings.Libtorch);
        if (Settings.Device != DeviceKind.Cuda) return torch.CPU;
        if (!torch.cuda.is_available())
            throw new BeearException($"--device cuda: this libtorch sees no CUDA device; name the torch/lib folder of a PyTorch with CUDA "
                + $"by --libtorch or {TorchRuntime.LibtorchVariable}.");
        if (!CudaKernels.Prepare(torch.CUDA)) Output.Note(
            $"torch's own operations stand in for beear's CUDA kernels, and are slower: {CudaKernels.Problem}");
        return torch.CUDA;
    }
}
