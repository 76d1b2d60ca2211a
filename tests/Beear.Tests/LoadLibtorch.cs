using System.Runtime.CompilerServices;
using Beear.Runtime;
using Xunit.Sdk;
using Xunit.v3;

// One class at a time: while a thread's operation runs, another's garbage collection may free the number that the operation was given
// (TorchSharp's pull
// requests 1434 and 1496), which ended one run in a few.
[assembly: Parallelization(Mode = ParallelMode.None)]

namespace Beear.Tests;

internal static class LoadLibtorch
{
    /// <summary>Tests make tensors of their own, before they call the library.</summary>
    [ModuleInitializer]
    internal static void Load() => TorchRuntime.Load();
}
