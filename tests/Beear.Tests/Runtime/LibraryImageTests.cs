using System.Runtime.InteropServices;
using Beear.Runtime;

namespace Beear.Tests.Runtime;

public sealed class LibraryImageTests
{
    [Fact]
    public void A_library_is_loaded_from_memory_and_leaves_no_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has files in memory");
        var image = File.ReadAllBytes(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"));
        var (first, second) = (LibraryImage.Load("one.so", image), LibraryImage.Load("one.so", image));

        Assert.NotEqual(first, second);                                   // each its own file: processes cannot meet either
        Assert.NotEqual(0, NativeLibrary.GetExport(first, "SystemNative_GetPid"));
        Assert.Contains(File.ReadLines("/proc/self/maps"), line => line.EndsWith("/memfd:one.so (deleted)", StringComparison.Ordinal));
        NativeLibrary.Free(first);
        NativeLibrary.Free(second);
    }

    [Fact]
    public void What_is_no_library_is_said()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has files in memory");
        Assert.Throws<DllNotFoundException>(() => LibraryImage.Load("none.so", "no library"u8));
    }

    [Fact]
    public void The_patched_library_lies_in_no_folder()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only there is it patched");
        var mapped = File.ReadLines("/proc/self/maps").Where(line => line.Contains("LibTorchSharp", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(mapped);
        Assert.DoesNotContain(mapped, line => line.Contains(Path.GetTempPath(), StringComparison.Ordinal));
    }
}
