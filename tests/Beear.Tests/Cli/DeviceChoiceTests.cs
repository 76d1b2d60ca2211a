using Beear.Cli;
using Beear.Models;

namespace Beear.Tests.Cli;

public sealed class DeviceChoiceTests
{
    private static DeviceChoice Of(DeviceKind? asked, long? free, string? problem = null, bool isTiny = false) =>
        DeviceChoice.Of(asked, isTiny, () => free, _ => problem);

    [Fact]
    public void What_is_asked_for_is_taken_and_no_device_is_looked_at()
    {
        foreach (var asked in Enum.GetValues<DeviceKind>())
        {
            var choice = DeviceChoice.Of(asked, isTiny: true, () => throw new InvalidOperationException(), _ => "never");
            Assert.Equal(new DeviceChoice(asked, "as --device says"), choice);
        }
        Assert.Equal("device: CUDA, as --device says", Of(DeviceKind.Cuda, null).ToString());
    }

    [Fact]
    public void A_CUDA_device_is_taken_where_the_run_fits_on_it()
    {
        Assert.Equal("device: CUDA, which has 24.0 GB free", Of(null, 24_000_000_000).ToString());
        Assert.Equal("device: CPU, for this libtorch sees no CUDA device", Of(null, null).ToString());
        Assert.Equal("device: CPU, for the driver does not say what memory the CUDA device has free", Of(null, 0).ToString());
        Assert.Equal("device: CPU, for the CUDA device has too little memory free: This needs more.",
            Of(null, 1_000_000, "This needs more.").ToString());
        Assert.Equal(DeviceKind.Cpu, DeviceChoice.Of(null, isTiny: true, () => throw new InvalidOperationException(), _ => null).Device);
    }

    [Fact]
    public void The_reason_for_a_precision_is_said()
    {
        Assert.Contains("bfloat16 with float32 weights", DeviceChoice.Products(Precision.Bfloat16), StringComparison.Ordinal);
        Assert.Equal("products in float32, as --precision says", DeviceChoice.Products(Precision.Float32));
    }

    [Theory]
    [InlineData("2.10.0+cu126", true, true)]
    [InlineData("2.11.1+cu130", true, true)]
    [InlineData("2.13.0+cu130", true, false)]                            // has dropped symbols
    [InlineData("2.1.0+cu118", true, false)]
    [InlineData("2.10.0+cpu", false, false)]
    public void An_installed_PyTorch_is_taken_unasked_only_if_it_fits_and_has_CUDA(string version, bool hasCuda, bool found)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "the stand-in for Python is a shell script");
        string torch = Fixtures.TemporaryFolder(), lib = Directory.CreateDirectory(Path.Combine(torch, "lib")).FullName;
        File.WriteAllText(Path.Combine(torch, "version.py"), $"from typing import Optional\n\n__version__ = '{version}'\ncuda = None\n");
        if (hasCuda) File.WriteAllText(Path.Combine(lib, "libtorch_cuda.so"), "");
        string python = Path.Combine(torch, "python3");
        File.WriteAllText(python, $"#!/bin/sh\necho '{lib}'\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Equal(found ? lib : null, InstalledPyTorch.FindForCuda(python));
    }
}
