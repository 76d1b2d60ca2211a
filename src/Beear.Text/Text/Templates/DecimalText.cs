using System.Globalization;
using System.Numerics;

namespace Beear.Text.Templates;

/// <summary>Floats as exact decimals, rounded half to even, as C's printf and Python's round do it.</summary>
internal static class DecimalText
{
    private const int MostDigits = 1000;

    /// <summary>The float rounded to a number of decimal places, negative ones left of the point.</summary>
    public static double Round(double value, long places)
    {
        if (!double.IsFinite(value) || places > 400) return value;
        if (places < -400) return Math.CopySign(0, value);
        var scaled = Scale(value, (int)places);
        var rounded = double.Parse($"{scaled}e{-places}", CultureInfo.InvariantCulture);
        if (double.IsInfinity(rounded)) throw new TemplateException("a rounded value is too large for a float");
        return Math.CopySign(rounded, value);
    }

    /// <summary>The absolute value with a fixed number of decimal places (format <c>f</c>).</summary>
    public static string Fixed(double value, int places)
    {
        Check(places);
        var digits = Scale(Math.Abs(value), places).ToString(CultureInfo.InvariantCulture).PadLeft(places + 1, '0');
        return places == 0 ? digits : $"{digits[..^places]}.{digits[^places..]}";
    }

    /// <summary>The absolute value with one digit before the point and an exponent (format <c>e</c>).</summary>
    public static string Scientific(double value, int places)
    {
        Check(places);
        var (digits, exponent) = Significant(value, places + 1);
        return $"{digits[0]}{(places > 0 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    /// <summary>The absolute value with a number of significant digits (format <c>g</c>); trailing zeros stay only if asked for.</summary>
    public static string General(double value, int precision, bool keepZeros, int largestExponent)
    {
        Check(precision);
        var (digits, exponent) = Significant(value, precision);
        if (exponent < -4 || exponent >= largestExponent)
        {
            var mantissa = precision > 1 ? $"{digits[0]}.{digits[1..]}" : digits;
            return $"{(keepZeros ? mantissa : Trim(mantissa))}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        var text = exponent < 0 ? $"0.{new string('0', -exponent - 1)}{digits}"
            : exponent + 1 >= digits.Length ? digits.PadRight(exponent + 1, '0')
            : $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
        return keepZeros ? text : Trim(text);
    }

    private static void Check(int places)
    {
        if (places > MostDigits) throw new TemplateException($"a number is to be printed with more than {MostDigits} digits");
    }

    private static string Trim(string text) => text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;

    private static (string Digits, int Exponent) Significant(double value, int count)
    {
        value = Math.Abs(value);
        if (value == 0) return (new string('0', count), 0);
        var exponent = int.Parse(value.ToString("E16", CultureInfo.InvariantCulture).Split('E')[1], NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture);
        var digits = Scale(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
        if (digits.Length < count) (digits, exponent) =
            (Scale(value, count - exponent).ToString(CultureInfo.InvariantCulture), exponent - 1);
        return digits.Length > count ? (digits[..count], exponent + 1) : (digits, exponent);
    }

    /// <summary>value · 10^places as an integer.</summary>
    private static BigInteger Scale(double value, int places)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7ff);
        BigInteger mantissa = (bits & ((1L << 52) - 1)) | (exponent == 0 ? 0 : 1L << 52);
        exponent = Math.Max(exponent, 1) - 1075;
        var (numerator, denominator) = (mantissa, BigInteger.One);
        if (exponent >= 0) numerator <<= exponent;
        else denominator <<= -exponent;
        if (places >= 0) numerator *= BigInteger.Pow(10, places);
        else denominator *= BigInteger.Pow(10, -places);
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var half = (rest * 2).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
