using System.Diagnostics.CodeAnalysis;

namespace Beear.Models.Export;

/// <summary>How an exported GGUF file stores the matrices; norms and biases are float32 in all of them.</summary>
[SuppressMessage("Naming", "CA1707:Identifiers should not contain underscores",
    Justification = "The names of llama.cpp, which are flags too.")]
public enum GgufWeightType
{
    /// <summary>float16: half of the size, values up to 65,504.</summary>
    F16,
    /// <summary>8 bits an element and a scale for 32: as good as float16 for most uses.</summary>
    Q8_0,
    /// <summary>
    /// 4 bits and scales for 32 and 256, the output head 6 bits; rows that are not whole blocks of 256 are Q5_0, Q8_0 or float16.
    /// </summary>
    Q4_K,
    /// <summary>bfloat16: half of the size, any value.</summary>
    Bf16,
    /// <summary>float32: what the model is.</summary>
    F32,
}
