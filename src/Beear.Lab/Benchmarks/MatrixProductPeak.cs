using System.Diagnostics;
using static TorchSharp.torch;

namespace Beear.Lab.Benchmarks;

/// <summary>What this machine's matrix products reach at best.</summary>
internal static class MatrixProductPeak
{
    private const int Repetitions = 12;

    /// <summary>Operations per second of square products, the best of several.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="device">Where.</param>
    public static double Measure(ScalarType type, Device device)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        long size = device.type == TorchSharp.DeviceType.CPU ? 1536 : 8192;
        Tensor left = rand([size, size], float32, device).to(type), right = rand([size, size], float32, device).to(type);
        double best = 0;
        for (int i = 0; i < Repetitions; i++)
        {
            using var product = NewDisposeScope();
            Synchronise(device);
            var time = Stopwatch.StartNew();
            left.matmul(right.t());
            Synchronise(device);
            best = Math.Max(best, 2.0 * size * size * size / time.Elapsed.TotalSeconds);
        }
        return best;
    }

    /// <summary>Waits until a device has done what it was given.</summary>
    public static void Synchronise(Device device)
    {
        if (device.type == TorchSharp.DeviceType.CUDA) cuda.synchronize(device);
    }
}
