namespace Beear.Cli;

/// <summary>Where tensors live and are computed.</summary>
internal enum DeviceKind
{
    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>The first CUDA device.</summary>
    Cuda,
}

/// <summary>Options that every command has.</summary>
internal sealed record GlobalSettings : IValidatable
{
    /// <summary>
    /// Where to compute; cpu if not given, but beear clean takes a CUDA device that it finds. cuda needs a libtorch that was built for it,
    /// see --libtorch.
    /// </summary>
    public DeviceKind? Device { get; init; }

    /// <summary>Processor threads; all cores if not given.</summary>
    public int? Threads { get; init; }

    /// <summary>Seed of everything random; goes before a recipe's, and what runs several seeds refuses it.</summary>
    public int? Seed { get; init; }

    /// <summary>
    /// The torch/lib folder of an installed PyTorch 2.10 or 2.11, used instead of the bundled libtorch; with --device cuda, that of this
    /// machine's Python if not given, and with beear clean too where there is a CUDA device.
    /// </summary>
    public string? Libtorch { get; init; }

    /// <summary>Print exactly one JSON document on standard output; everything else goes to standard error.</summary>
    public bool Json { get; init; }

    /// <summary>No progress and no notes.</summary>
    public bool Quiet { get; init; }

    /// <inheritdoc/>
    public void Validate()
    {
        if (Threads is { } threads) Require.Between(threads, 1, 1024);
    }

    /// <summary>Refuses --seed in a command that runs several.</summary>
    /// <param name="instead">What to do.</param>
    public void RefuseSeed(string instead)
    {
        if (Seed is not null) throw new BeearException($"--seed has no effect here; {instead}.");
    }
}
