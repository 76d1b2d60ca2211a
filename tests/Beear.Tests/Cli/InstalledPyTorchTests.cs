using Beear.Cli;

namespace Beear.Tests.Cli;

public class InstalledPyTorchTests
{
    [Theory]
    [InlineData("echo \"$FOLDER\"", true)]
    [InlineData("echo", false)]                                          // Python without PyTorch
    [InlineData("echo /no/such/folder", false)]
    [InlineData("echo \"$FOLDER\"; exit 1", false)]
    public void A_python_is_asked_where_its_PyTorch_is(string answer, bool found)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "the stand-in for Python is a shell script");
        string folder = Fixtures.TemporaryFolder(), python = Path.Combine(folder, "python3");
        File.WriteAllText(python, $"#!/bin/sh\n{answer.Replace("$FOLDER", folder, StringComparison.Ordinal)}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(python,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Equal(found ? folder : null, InstalledPyTorch.Find(Path.Combine(folder, "no-such-program"), python));
    }
}
