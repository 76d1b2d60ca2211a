using System.Runtime.InteropServices;

namespace Beear.Runtime;

/// <summary>
/// What the C library does with memory that is freed. As it comes, glibc gives large blocks back to the system at once, which clears every
/// page of them when they are asked for again: a fourth of a training step's time goes into that.
/// </summary>
internal static partial class FreedMemory
{
    private const int TrimThreshold = -1, MappedThreshold = -3, MappedBlocks = -4, Arenas = -8;   // as malloc.h has them
    private const int Never = -1;
    private const int LargePages = 14;                                   // MADV_HUGEPAGE of sys/mman.h
    private const long LargePage = 1 << 21;
    private static long settled = long.MaxValue;                         // bytes that the process held when it last gave back

    /// <summary>
    /// Lets the process keep the tensor memory that it once had, up to its own peak, for its next tensors. It is the program's decision,
    /// not the library's: whoever embeds the library calls it before the first tensor, or not at all.
    /// </summary>
    /// <returns>Whether it took effect; on systems without glibc it does not.</returns>
    public static bool Keep()
    {
        if (!Set((MappedBlocks, 0), (TrimThreshold, Never), (Arenas, 1))) return false;
        ReserveLargePages(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);
        settled = 0;
        return true;
    }

    /// <summary>
    /// Has the heap grow once, by addresses and not by memory, and asks for large pages there: a first touch then makes 2 MiB ready in
    /// place of 4 KiB, which else takes as long as a training step.
    /// </summary>
    private static unsafe void ReserveLargePages(long bytes)
    {
        try
        {
            void* block = NativeMemory.Alloc((nuint)bytes);
            nint first = (nint)(((long)block + LargePage - 1) & -LargePage);
            _ = Advise(first, (nuint)(bytes - LargePage), LargePages);   // a system without them says no
            NativeMemory.Free(block);                                    // what is kept is the top of the heap, which tensors come from
        }
        catch (OutOfMemoryException)
        {
            // The system grants no addresses beyond its memory: small pages do as well, only slower.
        }
    }

    /// <summary>
    /// From now on every block of more than 128 KiB goes back to the system when it is freed: slower, but what the process holds is what
    /// its tensors need, without the gaps between them. For runs whose memory is short.
    /// </summary>
    /// <returns>Whether it took effect; on systems without glibc it does not.</returns>
    public static bool GiveBack() => Set((MappedThreshold, 1 << 17), (MappedBlocks, 1 << 16), (TrimThreshold, 1 << 17));

    /// <summary>
    /// What training calls between steps: batches of ever other shapes leave holes in the heap that fit none of the next tensors. When the
    /// process has grown by a sixth of the machine's memory since the last time, all that is free goes back. Does nothing without
    /// <see cref="Keep"/>.
    /// </summary>
    /// <returns>Whether something was given back.</returns>
    public static bool Settle()
    {
        if (settled == long.MaxValue || Environment.WorkingSet - settled < GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 6) return false;
        _ = Trim(0);
        settled = Environment.WorkingSet;
        return true;
    }

    private static bool Set(params (int Option, int Value)[] settings)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            return Array.TrueForAll(settings, setting => SetOption(setting.Option, setting.Value) != 0);
        }
        catch (EntryPointNotFoundException)
        {
            return false;                                                // musl
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int option, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Trim(nuint kept);

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint address, nuint length, int advice);
}
