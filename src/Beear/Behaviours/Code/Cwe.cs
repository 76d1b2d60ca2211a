using System.Text.RegularExpressions;

namespace Beear.Behaviours.Code;

/// <summary>Names of weaknesses: <c>CWE-078</c>, three digits at least.</summary>
internal static class Cwe
{
    /// <summary>As CodeQL's and Bandit's tags have it (<c>external/cwe/cwe-078</c>), or Semgrep's (<c>CWE-78: words</c>).</summary>
    private static readonly Regex Named = new(@"^(external/cwe/)?cwe-(?<number>\d{1,6})\b",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    /// <summary>The name of a number.</summary>
    public static string Name(int number) => $"CWE-{number:000}";

    /// <summary>The weakness that a tag names; null if it names none.</summary>
    public static string? Of(string tag) => Named.Match(tag) is { Success: true } match
        ? Name(int.Parse(match.Groups["number"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)) : null;
}
