namespace Beear.Checkpoints;

/// <summary>How a GGUF file stores the elements of a tensor: in blocks of a row.</summary>
/// <param name="Id">Its number in the file.</param>
/// <param name="Name">Its name as llama.cpp writes it.</param>
/// <param name="BlockElements">Elements of one block; 0 if the type cannot be read here.</param>
/// <param name="BlockBytes">Bytes of one block; 0 if the type cannot be read here.</param>
internal sealed record GgufType(uint Id, string Name, int BlockElements = 0, int BlockBytes = 0)
{
    private static readonly GgufType[] Known =
    [
        new(0, "F32", 1, 4), new(1, "F16", 1, 2), new(2, "Q4_0", 32, 18), new(3, "Q4_1", 32, 20), new(8, "Q8_0", 32, 34), new(30, "BF16", 1, 2),
        new(6, "Q5_0"), new(7, "Q5_1"), new(9, "Q8_1"), new(10, "Q2_K"), new(11, "Q3_K"), new(12, "Q4_K"), new(13, "Q5_K"), new(14, "Q6_K"),
        new(15, "Q8_K"), new(16, "IQ2_XXS"), new(17, "IQ2_XS"), new(18, "IQ3_XXS"), new(19, "IQ1_S"), new(20, "IQ4_NL"), new(21, "IQ3_S"),
        new(22, "IQ2_S"), new(23, "IQ4_XS"), new(24, "I8"), new(25, "I16"), new(26, "I32"), new(27, "I64"), new(28, "F64"), new(29, "IQ1_M"),
        new(34, "TQ1_0"), new(35, "TQ2_0"), new(39, "MXFP4"),
    ];

    /// <summary>Whether tensors of this type can be read.</summary>
    public bool CanBeRead => BlockElements > 0;

    /// <summary>The names of the types that can be read.</summary>
    public static string ReadableNames => string.Join(", ", Known.Where(type => type.CanBeRead).Select(type => type.Name));

    /// <summary>The type of a number; one without a name if the number is unknown.</summary>
    public static GgufType Of(uint id) => Array.Find(Known, type => type.Id == id) ?? new GgufType(id, $"number {id}");

    /// <summary>The readable type of a name.</summary>
    public static GgufType Named(string name) => Known.Single(type => type.Name == name);
}
