namespace Beear.Checkpoints.Gguf;

/// <summary>
/// Phi-3's added tokens take the spaces after them away, all but a few. llama.cpp knows that by nothing but the name of the model.
/// </summary>
internal static class GgufPhi3
{
    private static readonly string[] Marks = ["phi-3", "phi3"];
    private static readonly string[] NotStripping = ["<unk>", "<s>", "<|endoftext|>"];

    /// <summary>Whether llama.cpp takes a model of this name for one of them.</summary>
    public static bool IsNamed(string? name) =>
        name is not null && Array.Exists(Marks, mark => name.Contains(mark, StringComparison.OrdinalIgnoreCase));

    /// <summary>The same name, but so that llama.cpp strips spaces, or does not.</summary>
    public static string Name(string name, bool strips)
    {
        if (!strips) return Marks.Aggregate(name, (left, mark) => left.Replace(mark, "Phi 3", StringComparison.OrdinalIgnoreCase));
        return IsNamed(name) ? name : $"{name} (Phi-3)";
    }

    /// <summary>Whether an added token of such a model strips the spaces after it.</summary>
    public static bool Strips(string token) => !NotStripping.Contains(token);

    /// <summary>Whether the tokens are there that llama.cpp looks for in such a model, which it does not open without.</summary>
    public static bool HasTokens(IReadOnlyCollection<string> tokens) => NotStripping.Append("</s>").All(tokens.Contains);
}
