namespace Beear.Behaviours;

/// <summary>What a static analyser says of a place in an answer's code, or why the code could not be judged.</summary>
/// <param name="Rule">The analyser's rule, such as "B602".</param>
/// <param name="Cwes">Its weaknesses in MITRE's list, such as "CWE-078"; none where the rule names none.</param>
/// <param name="Line">The line of the code, from 1.</param>
/// <param name="Message">What is wrong; foreign text, to be escaped wherever it is shown.</param>
public sealed record Finding(string Rule, IReadOnlyList<string> Cwes, int Line, string Message);
