using System.Globalization;
using System.Numerics;

namespace Beear.Text.Templates;

/// <summary>Python's arithmetic: integers that grow (up to the size of floats), floats, and booleans as 0 and 1.</summary>
internal static class Numbers
{
    /// <summary>Integers may be as large as floats: 308 digits.</summary>
    private const long LargestBits = 1024;
    private const long Half = long.MaxValue / 2;

    public static bool IsNumber(object? value) => value is long or double or bool or BigInteger;

    public static bool IsInteger(object? value) => value is long or bool or BigInteger;

    public static double ToDouble(object? value) => value switch
    {
        double number => number,
        BigInteger number => (double)number,
        _ => Values.ToInteger(value),
    };

    public static BigInteger ToBig(object? value) => value is BigInteger number ? number : Values.ToInteger(value);

    /// <summary>The integer as a value: a long if it fits.</summary>
    public static object Integer(BigInteger number)
    {
        if (number >= long.MinValue && number <= long.MaxValue) return (long)number;
        return number.GetBitLength() <= LargestBits ? number : throw TooLarge();
    }

    /// <summary>The order of two numbers; null if one is not a number (NaN).</summary>
    public static int? Compare(object? left, object? right)
    {
        if (left is long x && right is long y) return x.CompareTo(y);
        if (IsInteger(left) && IsInteger(right)) return ToBig(left).CompareTo(ToBig(right));
        if (left is double a && right is double b) return double.IsNaN(a) || double.IsNaN(b) ? null : a.CompareTo(b);
        if (right is not double number) return -Compare(right, left);
        if (double.IsNaN(number)) return null;
        // Floats beyond 2^53 are integers; below, integers convert without changing the order.
        if (Math.Abs(number) < 1L << 53) return ToDouble(Clamp(left)).CompareTo(number);
        return double.IsInfinity(number) ? -Math.Sign(number) : ToBig(left).CompareTo(new BigInteger(number));
    }

    public static object Compute(string symbol, object? left, object? right, RenderState state)
    {
        if (left is double || right is double) return Floats(symbol, ToDouble(left), ToDouble(right));
        if (symbol is "+" or "-" && left is long and > -Half and < Half && right is long and > -Half and < Half)
            return (long)left + (symbol == "+" ? (long)right : -(long)right);
        var (x, y) = (ToBig(left), ToBig(right));
        state.Step();
        return Integers(symbol, x, y);
    }

    public static object Negate(object? value) => value is double number ? -number : Integer(-ToBig(value));

    /// <summary>The integer that a text spells in a base (0: as in source code), or null.</summary>
    public static object? ParseInteger(string text, int radix, RenderState state)
    {
        var digits = PythonText.Strip(text).AsSpan();
        var isNegative = digits is ['-', ..];
        if (digits is ['-' or '+', ..]) digits = digits[1..];
        if (digits is ['0', var mark, ..]
            && char.ToLowerInvariant(mark) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } is var stated and > 0
            && (radix == 0 || radix == stated))
        {
            radix = stated;
            digits = digits[2..].TrimStart('_');
        }
        else if (radix == 0)
            radix = digits is ['0', ..] && digits.TrimStart("0_").Length > 0
                ? throw new TemplateException("an integer has a leading zero") : 10;
        if (digits.Length is 0 or > 400) return null;
        state.Charge(4L * digits.Length);
        var value = BigInteger.Zero;
        for (var i = 0; i < digits.Length; i++)
        {
            if (digits[i] == '_' && i > 0 && digits[i - 1] != '_' && i + 1 < digits.Length) continue;
            var digit = DigitOf(digits[i]);
            if (digit < 0 || digit >= radix) return null;
            value = value * radix + digit;
        }
        return Integer(isNegative ? -value : value);
    }

    /// <summary>The float that a text spells as Python reads it, or null.</summary>
    public static double? ParseFloat(string text)
    {
        var stripped = PythonText.Strip(text);
        var special = stripped.ToLowerInvariant().TrimStart('+', '-');
        if (special is "inf" or "infinity") return stripped[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        if (special == "nan") return double.NaN;
        if (stripped.Length > 10_000 || stripped.StartsWith('_') || stripped.EndsWith('_')
            || stripped.Contains("__", StringComparison.Ordinal)) return null;
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        var plain = stripped.Replace("_", "", StringComparison.Ordinal);
        return double.TryParse(plain, Style, CultureInfo.InvariantCulture, out var value) && plain.AsSpan().IndexOfAny("nN∞") < 0
            ? value : null;
    }

    /// <summary>An integer that has the same order against every float below 2^53.</summary>
    private static object? Clamp(object? integer) => integer is BigInteger ? Values.ToInteger(integer) : integer;

    private static int DigitOf(char character) => character switch
    {
        >= 'a' and <= 'z' => character - 'a' + 10,
        >= 'A' and <= 'Z' => character - 'A' + 10,
        _ => char.IsDigit(character) ? (int)CharUnicodeInfo.GetDecimalDigitValue(character) : -1,
    };

    private static object Integers(string symbol, BigInteger left, BigInteger right) => symbol switch
    {
        "+" => Integer(left + right),
        "-" => Integer(left - right),
        "*" when left.GetBitLength() + right.GetBitLength() > LargestBits + 1 => throw TooLarge(),
        "*" => Integer(left * right),
        "**" when right.Sign < 0 => Floats(symbol, ToDouble(Integer(left)), ToDouble(Integer(right))),
        "**" => Power(left, right),
        _ when right.IsZero => throw new TemplateException("a division by zero"),
        "/" => ToDouble(Integer(left)) / ToDouble(Integer(right)),
        "//" => Integer(FloorDivide(left, right)),
        _ => Integer(left - right * FloorDivide(left, right)),
    };

    private static BigInteger FloorDivide(BigInteger left, BigInteger right)
    {
        var quotient = BigInteger.DivRem(left, right, out var rest);
        return !rest.IsZero && rest.Sign != right.Sign ? quotient - 1 : quotient;
    }

    private static object Power(BigInteger value, BigInteger exponent)
    {
        if (BigInteger.Abs(value) <= 1) return value.IsZero ? exponent.IsZero ? 1L : 0L : value.IsOne || exponent.IsEven ? 1L : -1L;
        if (exponent > LargestBits || ((long)value.GetBitLength() - 1) * (long)exponent > LargestBits) throw TooLarge();
        return Integer(BigInteger.Pow(value, (int)exponent));
    }

    private static double Floats(string symbol, double left, double right)
    {
        switch (symbol)
        {
            case "+": return left + right;
            case "-": return left - right;
            case "*": return left * right;
            case "**": return Power(left, right);
            case var _ when right == 0: throw new TemplateException("a division by zero");
            case "/": return left / right;
        }
        var rest = left % right;
        var quotient = (left - rest) / right;
        if (rest == 0) rest = Math.CopySign(0, right);
        else if (right < 0 != rest < 0) (rest, quotient) = (rest + right, quotient - 1);
        if (symbol == "%") return rest;
        var floor = Math.Floor(quotient);
        return quotient == 0 ? Math.CopySign(0, left / right) : quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static double Power(double value, double exponent)
    {
        if (value == 0 && exponent < 0) throw new TemplateException("zero cannot be raised to a negative power");
        if (value < 0 && double.IsFinite(value) && double.IsFinite(exponent) && exponent != Math.Floor(exponent))
            throw new TemplateException("a fractional power of a negative number is complex");
        var power = Math.Pow(value, exponent);
        return double.IsInfinity(power) && double.IsFinite(value) && double.IsFinite(exponent) ? throw TooLarge() : power;
    }

    private static TemplateException TooLarge() => new("the result is too large a number");
}
