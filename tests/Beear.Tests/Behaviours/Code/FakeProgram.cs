namespace Beear.Tests.Behaviours.Code;

/// <summary>A shell script that stands for a program; it writes into its own folder, which it finds as HOME_OF_TEST.</summary>
internal sealed class FakeProgram : IDisposable
{
    public FakeProgram(string name, string script)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("this program is a shell script");
        Folder = Fixtures.TemporaryFolder();
        Path = System.IO.Path.Combine(Folder, name);
        File.WriteAllText(Path, $"#!/bin/sh\nHOME_OF_TEST='{Folder}'\n{script}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    /// <summary>The program.</summary>
    public string Path { get; }

    /// <summary>How many lines it has written into the file "runs".</summary>
    public int Runs => File.Exists(Out("runs")) ? File.ReadAllLines(Out("runs")).Length : 0;

    /// <summary>A file that it has written.</summary>
    public string Out(string name) => System.IO.Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
