using System.Runtime.CompilerServices;
using Beear.Runtime;

namespace Beear.Tests;

internal static class LoadLibtorch
{
    /// <summary>Tests make tensors of their own, before they call the library.</summary>
    [ModuleInitializer]
    internal static void Load() => TorchRuntime.Load();
}
