using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Beear;

/// <summary>Range checks of options. Each names the option by its recipe key, taken from the expression that was passed.</summary>
/// <example><c>Require.Between(DropoutRate, 0, 1)</c> fails with "dropout_rate must lie between 0 and 1, not 2."</example>
internal static class Require
{
    /// <summary>The value is at least <paramref name="minimum"/>; NaN never is.</summary>
    /// <exception cref="BeearException">It is not.</exception>
    public static void AtLeast<T>(T value, T minimum, [CallerArgumentExpression(nameof(value))] string name = "") where T : INumber<T>
    {
        if (!(value >= minimum)) throw new BeearException(Invariant($"{Key(name)} must be at least {minimum}, not {value}."));
    }

    /// <summary>The value is above <paramref name="bound"/>; NaN never is.</summary>
    /// <exception cref="BeearException">It is not.</exception>
    public static void Above<T>(T value, T bound, [CallerArgumentExpression(nameof(value))] string name = "") where T : INumber<T>
    {
        if (!(value > bound)) throw new BeearException(Invariant($"{Key(name)} must be above {bound}, not {value}."));
    }

    /// <summary>The value lies between the two bounds, both allowed; NaN never does.</summary>
    /// <exception cref="BeearException">It does not.</exception>
    public static void Between<T>(T value, T minimum, T maximum, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : INumber<T>
    {
        if (!(value >= minimum && value <= maximum))
            throw new BeearException(Invariant($"{Key(name)} must lie between {minimum} and {maximum}, not {value}."));
    }

    /// <summary>A measured number is finite, and is handed back: NaN would look like a good result in many comparisons.</summary>
    /// <exception cref="BeearException">It is NaN or infinite.</exception>
    internal static double Finite(double value, string what) => double.IsFinite(value) ? value
        : throw new BeearException($"The {what} is not finite: the model's weights are damaged, or its numbers do not fit the precision; "
            + "train it anew with a smaller learning rate, or take --precision float32.");

    /// <summary>The text has something besides white space.</summary>
    /// <exception cref="BeearException">It has not.</exception>
    public static void NotEmpty(string? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (string.IsNullOrWhiteSpace(value)) throw new BeearException($"{Key(name)} must not be empty.");
    }

    /// <summary>Runs the checks of a section's options; their messages get its name before the option's.</summary>
    /// <exception cref="BeearException">One of them fails.</exception>
    internal static void Section(string name, Action validate)
    {
        try
        {
            validate();
        }
        catch (BeearException failure)
        {
            throw new BeearException(Within(name, failure.Message), failure);
        }
    }

    /// <summary>A message on an option of a section; one on all of the section is a sentence of its own.</summary>
    /// <param name="section">The section's path, such as inner; nothing for none.</param>
    /// <param name="message">What is wrong there.</param>
    internal static string Within(string section, string message) =>
        section.Length == 0 ? message : char.IsUpper(message[0]) ? $"{section}: {message}" : $"{section}.{message}";

    private static string Key(string expression) => JsonNamingPolicy.SnakeCaseLower.ConvertName(expression.Split('.')[^1]);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
