namespace Beear.Training;

/// <summary>The element type in which numbers are kept between steps.</summary>
public enum StoredType
{
    /// <summary>float32.</summary>
    Float32,
    /// <summary>bfloat16, half the memory; each step rounds up or down at random, so that small changes are not lost.</summary>
    Bfloat16,
}
