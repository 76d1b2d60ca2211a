using System.Runtime.Intrinsics;

namespace Beear.Kernels;

/// <summary>log Σ exp of a row, safe from overflow.</summary>
internal static unsafe class LogSumExp
{
    public static float Of<T>(T* row, long width) where T : unmanaged, IElement<T>
    {
        var tail = width - Element.Tail(width);
        var largest = Vector512.Create(float.NegativeInfinity);
        var sums = Vector512<float>.Zero;
        for (var i = 0L; i < tail; i += Element.Width) largest = Vector512.MaxNative(largest, T.Load(row + i));
        var most = float.NegativeInfinity;
        for (var lane = 0; lane < Element.Width; lane++) most = MathF.Max(most, largest[lane]);
        for (var i = tail; i < width; i++) most = MathF.Max(most, T.LoadFirst(row + i, 1)[0]);
        for (var i = 0L; i < tail; i += Element.Width) sums += VectorMath.Exp(T.Load(row + i) - Vector512.Create(most));
        var sum = Vector512.Sum(sums);
        for (var i = tail; i < width; i++) sum += MathF.Exp(T.LoadFirst(row + i, 1)[0] - most);
        return most + MathF.Log(sum);
    }
}
