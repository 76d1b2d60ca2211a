using Beear.Runtime;
using TorchSharp;

namespace Beear.Tests.Runtime;

public class ElfSymbolVersionsTests
{
    private static string LibTorchSharp => Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    [Fact]
    public void Weakening_removes_just_the_one_requirement()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(LibTorchSharp), "only linux-x64 has this library");
        var image = File.ReadAllBytes(LibTorchSharp);
        var versions = ElfSymbolVersions.Parse(image);
        var before = versions.Needed();
        Assert.Contains(("libstdc++.so.6", "GLIBCXX_3.4.32"), before);

        Assert.Equal(1, versions.WeakenNeeded("libstdc++.so.6", "GLIBCXX_3.4.32"));

        Assert.Equal(before.Where(need => need.Version != "GLIBCXX_3.4.32"), versions.Needed());
        var original = File.ReadAllBytes(LibTorchSharp);
        Assert.Equal(1, image.Zip(original).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void A_file_that_is_not_elf_is_refused() =>
        Assert.Throws<BeearException>(() => ElfSymbolVersions.Parse(new byte[100]));

    [Fact]
    public void The_standard_library_of_this_process_defines_known_versions()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has libstdc++");
        Assert.Contains("GLIBCXX_3.4", TorchRuntime.StandardLibraryVersions());
    }

    [Fact]
    public void Tensors_work_after_loading()
    {
        TorchRuntime.Load();
        using var x = torch.ones(3, 3);
        using var product = x.matmul(x);
        Assert.Equal(3f, product[0, 0].item<float>());
    }
}
