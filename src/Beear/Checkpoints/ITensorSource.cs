using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>Where a checkpoint's weights come from, under their Hugging Face names.</summary>
internal interface ITensorSource : IDisposable
{
    /// <summary>The tensors by Hugging Face name.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>A new CPU tensor; <paramref name="name"/> is one of <see cref="Tensors"/>.</summary>
    Tensor Read(string name);
}
