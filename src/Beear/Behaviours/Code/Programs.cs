using System.Text;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Behaviours.Code;

/// <summary>What all analysers' programs are asked, and how their reports are read.</summary>
internal static class Programs
{
    private static readonly ProcessLimits Short = new(TimeSpan.FromMinutes(1));

    /// <summary>A program's version in its own words, on one line, with its name.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">What makes it print its version.</param>
    /// <param name="name">What to call it.</param>
    /// <exception cref="BeearException">It fails.</exception>
    public static string Version(string program, IReadOnlyList<string> arguments, string name)
    {
        string text = string.Join(", ", Say(program, arguments, name)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(2));
        string shown = VisibleText.Excerpt(text, 200);
        return shown.StartsWith(name, StringComparison.OrdinalIgnoreCase) ? shown : $"{name} {shown}";
    }

    /// <summary>What a program says to a question that is answered at once.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">The question.</param>
    /// <param name="name">What to call it.</param>
    /// <exception cref="BeearException">It fails.</exception>
    public static string Say(string program, IReadOnlyList<string> arguments, string name)
    {
        var output = LimitedProcess.Run(program, arguments, Path.GetTempPath(), Short, CancellationToken.None);
        return output.ExitCode == 0 ? Encoding.UTF8.GetString(output.Output) : throw output.Failure(name);
    }

    /// <summary>A list of a report, in which null is nothing that may stand.</summary>
    /// <exception cref="JsonException">It holds null.</exception>
    public static IReadOnlyList<T> Whole<T>(IReadOnlyList<T>? list) where T : class =>
        list is null ? [] : list.Contains(null) ? throw new JsonException("null stands in a list") : list;
}
