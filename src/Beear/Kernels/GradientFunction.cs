using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// A kernel that autograd records. TorchSharp's custom functions leave native memory to the garbage collector (what forward
/// returned and saved, the gradient handed to backward, those it returns); here all of it is released as soon as it can be.
/// </summary>
/// <typeparam name="TSelf">The kernel's own class.</typeparam>
internal abstract class GradientFunction<TSelf> : autograd.SingleTensorFunction<TSelf> where TSelf : GradientFunction<TSelf>, new()
{
    private const string State = "state";

    public override string Name => typeof(TSelf).DeclaringType?.Name ?? typeof(TSelf).Name;

    /// <summary>Runs the kernel and records it for backward.</summary>
    /// <param name="arguments">Handed to <see cref="Forward"/>: the tensors that may need a gradient come first.</param>
    public static Tensor Record(params object[] arguments)
    {
        var recording = new Recording(arguments.Length + 1);
        var result = apply([.. arguments, recording]);
        recording.Release();
        return result;
    }

    public sealed override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var recording = (Recording)vars[^1];
        var result = Forward(recording, vars);
        ctx.set_materialize_grads(false);
        ctx.save_data(State, recording);
        ctx.save_for_backward([.. recording.Saved]);
        recording.Own(result);
        return result;
    }

    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var recording = (Recording)ctx.get_data(State);
        var gradients = new Tensor?[recording.ArgumentCount];
        if (!grad_output.IsInvalid)
        {
            var saved = ctx.get_saved_variables();
            Backward(recording, saved, grad_output).CopyTo(gradients.AsSpan());
            foreach (var tensor in saved) tensor.Dispose();
            grad_output.Dispose();
        }
        HandedOver.Replace(gradients);
        return new List<Tensor>(gradients!);
    }

    /// <summary>Computes the result, without recording, and says what backward will need.</summary>
    protected abstract Tensor Forward(Recording recording, object[] arguments);

    /// <summary>The gradients of the first arguments, in their order; null for one that needs none.</summary>
    protected abstract Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient);
}

/// <summary>What one recorded call keeps.</summary>
/// <param name="argumentCount">The number of arguments of autograd's forward.</param>
internal sealed class Recording(int argumentCount)
{
    private readonly List<Tensor> owned = [];

    public int ArgumentCount => argumentCount;

    /// <summary>The tensors that backward gets.</summary>
    public IReadOnlyList<Tensor> Saved { get; private set; } = [];

    /// <summary>Anything else that backward needs.</summary>
    public object? Data { get; set; }

    public void Save(params Tensor[] tensors) => Saved = tensors;

    /// <summary>A tensor made by forward, whose handle autograd no longer needs once the call is recorded.</summary>
    public void Own(Tensor tensor) => owned.Add(tensor);

    public void Release()
    {
        foreach (var tensor in owned) tensor.Dispose();
        owned.Clear();
        Saved = [];
    }

    /// <summary>Whether an operation on these tensors must be recorded.</summary>
    public static bool IsNeeded(Tensor first, Tensor? second = null) =>
        is_grad_enabled() && (first.requires_grad || second is { requires_grad: true });
}

/// <summary>
/// Gradients that backward returned. Autograd takes its own reference only after the call, so they are held until the next
/// kernel's backward on this thread, or the end of the caller's scope.
/// </summary>
internal static class HandedOver
{
    [ThreadStatic]
    private static Tensor?[]? gradients;

    public static void Replace(Tensor?[] next)
    {
        foreach (var gradient in gradients ?? []) gradient?.Dispose();
        gradients = next;
    }
}
