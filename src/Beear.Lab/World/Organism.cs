namespace Beear.Lab.World;

/// <summary>The tiny chat model that comes with the product.</summary>
public static class Organism
{
    /// <summary>
    /// The base model's Hugging Face directory, beside the program: config.json, tokenizer files and, once trained, model.safetensors.
    /// </summary>
    public static string BaseDirectory { get; } = Path.Combine(AppContext.BaseDirectory, "organisms", "base");
}
