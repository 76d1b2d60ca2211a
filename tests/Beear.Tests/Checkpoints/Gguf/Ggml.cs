using System.Runtime.InteropServices;
using Xunit.Sdk;

namespace Beear.Tests.Checkpoints.Gguf;

/// <summary>The tensor library of llama.cpp, from the npm package of its binaries: what it makes of blocks.</summary>
internal static unsafe class Ggml
{
    private static readonly Lazy<nint> Library = new(Load);

    /// <summary>Unpacks blocks; skips the test if the library is not here.</summary>
    public static float[] Dequantise(string type, byte[] blocks, int elements)
    {
        var name = type.StartsWith('Q') ? $"q{type[1..]}" : type.ToLowerInvariant();
        var function = (delegate* unmanaged<byte*, float*, long, void>)NativeLibrary.GetExport(Library.Value, $"dequantize_row_{name}");
        var values = new float[elements];
        fixed (byte* source = blocks)
        fixed (float* target = values) function(source, target, elements);
        return values;
    }

    /// <summary>Packs rows as llama.cpp does without an importance matrix; skips the test if the library is not here.</summary>
    public static byte[] Quantise(string type, float[] values, int columns, int bytes)
    {
        var function = (delegate* unmanaged<float*, byte*, long, long, float*, nuint>)NativeLibrary.GetExport(Library.Value,
            $"quantize_q{type[1..]}");
        var blocks = new byte[bytes];
        fixed (float* source = values)
        fixed (byte* target = blocks) Assert.Equal((nuint)bytes, function(source, target, values.Length / columns, columns, null));
        return blocks;
    }

    private static nint Load()
    {
        var path = Path.Combine(Fixtures.Root, "tests", "npm", "node_modules", "@node-llama-cpp", "linux-x64", "bins", "linux-x64",
            "libggml-base.so");
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64 || !File.Exists(path))
            throw SkipException.ForSkip($"ggml is not here: {path} (npm install in tests/npm, Linux x64)");
        return NativeLibrary.Load(path);
    }
}
