using Beear.Data;
using Beear.Kernels.Cuda;
using Beear.Mitigation;
using Beear.Models;
using Beear.Runtime;
using Beear.Text;

namespace Beear.Cli;

/// <summary>The option <c>--memory</c>.</summary>
internal static class MemoryBudget
{
    /// <summary>Lays a mitigation out to fit, and says how.</summary>
    /// <param name="memory">An amount, or "auto" for what this machine gives.</param>
    /// <param name="config">The model.</param>
    /// <param name="precision">Of matrix products.</param>
    /// <param name="options">The mitigation as it was asked for.</param>
    /// <param name="data">The defender's data.</param>
    /// <param name="context">Where the plan is shown.</param>
    /// <exception cref="BeearException">Nothing fits; the sentence has the numbers.</exception>
    public static MitigationOptions Plan(string memory, ModelConfig config, Precision precision, MitigationOptions options,
        DefenderData data, CommandContext context)
    {
        var (plan, bytes) = Find(memory, config, precision, options, data, context);
        bool onGpu = context.Settings.Device == DeviceKind.Cuda;
        context.Output.Note($"memory: {ByteSize.Format(plan.Estimate.Total)} of {ByteSize.Format(bytes)} ({plan.Estimate}); {plan}");
        // Near its limit a run cannot afford gaps between tensors.
        if (!onGpu && plan.Estimate.Total > bytes / 2) FreedMemory.GiveBack();
        return options with { Economy = plan.Economy, Terms = options.Terms with { PassTokens = plan.PassTokens } };
    }

    /// <summary>The plan, and the memory that it is made for, in bytes.</summary>
    /// <exception cref="BeearException">Nothing fits; the sentence has the numbers.</exception>
    public static (MemoryPlan Plan, long Bytes) Find(string memory, ModelConfig config, Precision precision, MitigationOptions options,
        DefenderData data, CommandContext context)
    {
        bool isAuto = memory.Equals("auto", StringComparison.OrdinalIgnoreCase);
        long bytes = isAuto ? Available(context) : ByteSize.Parse(memory);
        bool onGpu = context.Settings.Device == DeviceKind.Cuda;
        return (MemoryPlan.Choose(config, precision == Precision.Bfloat16, options, data, bytes, onGpu), bytes);
    }

    /// <summary>Without the option: refuses rows that are so long that the run cannot fit.</summary>
    /// <exception cref="BeearException">It cannot.</exception>
    public static void Require(ModelConfig config, ChatFormat chat, Precision precision, MitigationOptions options, DefenderData data,
        IEnumerable<Example> examples,
        CommandContext context)
    {
        if (context.Settings.Device == DeviceKind.Cuda) return;
        MemoryPlan.Require(config, precision == Precision.Bfloat16, options, data, Available(context), () => chat.LongestOf(examples));
    }

    private static long Available(CommandContext context)
    {
        if (context.Settings.Device != DeviceKind.Cuda) return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        context.Device();
        return CudaKernels.DeviceMemory?.Free
            ?? throw new BeearException("--memory auto: the graphics driver does not say how much memory is free; give it, "
                + "e.g. --memory 80GB.");
    }
}
