namespace Beear.Runtime;

/// <summary>Numbers of bytes for people.</summary>
internal static class ByteSize
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

    /// <summary>Reads "20GiB", "1.5 GB", "800MB" or a plain number of bytes.</summary>
    /// <exception cref="BeearException">It is none of these.</exception>
    public static long Parse(string text)
    {
        var trimmed = text.Trim();
        int digits = trimmed.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        var unit = trimmed[digits..].Trim();
        double? factor = unit.Length == 0 ? 1 : FactorOf(unit);
        if (factor is { } each && double.TryParse(trimmed[..digits], System.Globalization.NumberStyles.AllowDecimalPoint,
            System.Globalization.CultureInfo.InvariantCulture, out var number) && number * each is >= 1 and < long.MaxValue)
            return (long)(number * each);
        throw new BeearException($"'{text}' is not an amount of memory; write it like 20GiB, 1.5GB or 800MB.");
    }

    private static double? FactorOf(string unit)
    {
        int power = Array.FindIndex(Units, known => known.Equals(unit, StringComparison.OrdinalIgnoreCase));
        if (power >= 0) return Math.Pow(1000, power + 1);
        power = Array.FindIndex(Units, known => $"{known[0]}iB".Equals(unit, StringComparison.OrdinalIgnoreCase));
        return power >= 0 ? Math.Pow(1024, power + 1) : null;
    }
}
