namespace Beear.Behaviours;

/// <summary>What a static analyser says against a piece of code.</summary>
/// <param name="Rule">The analyser's name of the rule, such as <c>B602</c>.</param>
/// <param name="Cwes">The weaknesses that the rule is about, as <c>CWE-078</c>: three digits at least. Empty for none.</param>
/// <param name="Line">The line, from 1; 0 for the code as a whole.</param>
/// <param name="Message">The analyser's words. Foreign text, which may hold parts of the code.</param>
public sealed record Finding(string Rule, IReadOnlyList<string> Cwes, int Line, string Message);
