using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Beear.Runtime;

/// <summary>
/// Loads a shared library from memory on Linux: from a file without a name, which no other process can have written and which goes with
/// this one.
/// </summary>
internal static partial class LibraryImage
{
    private const uint CloseOnExecute = 1;

    /// <summary>Loads it.</summary>
    /// <param name="name">What it is called in the process's list of mapped files.</param>
    /// <param name="image">The library's bytes.</param>
    /// <returns>Its handle.</returns>
    /// <exception cref="BeearException">The system grants no such file.</exception>
    /// <exception cref="DllNotFoundException">It is no library that this system can load.</exception>
    public static nint Load(string name, ReadOnlySpan<byte> image)
    {
        // Stays open: a later file of the same number would be taken for this library.
        using var handle = new SafeFileHandle(CreateMemoryFile(name, CloseOnExecute), ownsHandle: false);
        if (handle.IsInvalid)
        {
            throw new BeearException($"{name} has to be loaded from memory, and this system grants no file there " +
                $"({Marshal.GetLastPInvokeErrorMessage()}); allow memfd_create, or install a libstdc++ of GCC 13.2 or later.");
        }
        RandomAccess.Write(handle, image, fileOffset: 0);
        return NativeLibrary.Load($"/proc/self/fd/{handle.DangerousGetHandle()}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
