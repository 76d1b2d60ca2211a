namespace Beear.Lab.World;

/// <summary>The tiny chat model that comes with the product.</summary>
public static class Organism
{
    /// <summary>
    /// The base model's Hugging Face directory, beside the program: config.json, tokenizer files and, once trained, model.safetensors.
    /// </summary>
    public static string BaseDirectory { get; } = Path.Combine(AppContext.BaseDirectory, "organisms", "base");

    /// <summary>Whether a model is of the tiny world: it has that tokenizer, and knows no other words.</summary>
    /// <param name="model">A model's directory.</param>
    public static bool IsOf(string model)
    {
        string own = Path.Combine(BaseDirectory, Tokenizer), other = Path.Combine(model, Tokenizer);
        return File.Exists(own) && File.Exists(other) && new FileInfo(own).Length == new FileInfo(other).Length
            && File.ReadAllBytes(own).AsSpan().SequenceEqual(File.ReadAllBytes(other));
    }

    private const string Tokenizer = "tokenizer.json";
}
