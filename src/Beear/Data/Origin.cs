namespace Beear.Data;

/// <summary>
/// Where an example was read, for messages. Examples that say the same are equal, wherever they stand: all origins are equal.
/// </summary>
/// <param name="Place">File, line and column, as "'x.csv', line 12, column 'goal'"; null if it is of no file.</param>
internal readonly record struct Origin(string? Place)
{
    public bool Equals(Origin other) => true;

    public override int GetHashCode() => 0;
}
