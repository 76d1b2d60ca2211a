using static TorchSharp.torch;

namespace Beear.Checkpoints;

/// <summary>A safetensors file: opening reads only the header, and every claim of that header is checked.</summary>
internal sealed class SafetensorsFile : IDisposable
{
    private readonly BinaryFile file;
    private readonly SafetensorsHeader header;

    private SafetensorsFile(BinaryFile file, SafetensorsHeader header)
    {
        this.file = file;
        this.header = header;
    }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => header.Tensors;

    /// <summary>The file's own strings, e.g. format → pt.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>Opens a file.</summary>
    /// <exception cref="BeearException">There is no such file, or it is not a valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        var opened = BinaryFile.Open(path);
        try
        {
            return new SafetensorsFile(opened, SafetensorsHeader.Parse(opened));
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>A new CPU tensor of the stored type and shape.</summary>
    /// <exception cref="BeearException">There is no tensor of that name.</exception>
    public Tensor Read(string name)
    {
        if (!Tensors.TryGetValue(name, out var info)) throw new BeearException($"'{file.Path}' has no tensor '{name}'.");
        return file.ReadTensor(info.Offset, info.Shape, ElementType.Named(info.DType)!.Scalar);
    }

    /// <summary>Closes the file; tensors that were read stay valid.</summary>
    public void Dispose() => file.Dispose();
}
