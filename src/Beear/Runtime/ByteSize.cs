namespace Beear.Runtime;

/// <summary>Numbers of bytes for people.</summary>
public static class ByteSize
{
    private static readonly string[] Units = ["kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>A number of bytes with three digits: "512 bytes", "4.20 MB", "270 GB"; a unit is 1,000 of the one below.</summary>
    public static string Format(long bytes)
    {
        if (bytes < 1000) return FormattableString.Invariant($"{bytes} bytes");
        double value = bytes;
        var unit = -1;
        while (value >= 999.5 && unit + 1 < Units.Length) (value, unit) = (value / 1000, unit + 1);
        var format = value < 9.995 ? "F2" : value < 99.95 ? "F1" : "F0";
        return $"{value.ToString(format, System.Globalization.CultureInfo.InvariantCulture)} {Units[unit]}";
    }
}
