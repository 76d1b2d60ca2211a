using System.Runtime.InteropServices;

namespace Beear.Text.Templates;

/// <summary>A place in a template's source.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column in UTF-16 units, from 1.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Position(int Line, int Column)
{
    public override string ToString() => $"line {Line}, column {Column}";
}

/// <summary>A template that cannot be parsed or rendered; the message is a sentence's part without a full stop.</summary>
internal sealed class TemplateException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Where in the template; null until it is known.</summary>
    public Position? At { get; set; }

    /// <summary>True if the template itself refused its input with <c>raise_exception</c>.</summary>
    public bool IsRefusal { get; init; }

    /// <summary>Notes the place unless a more precise one is known; false, so that it can stand in an exception filter.</summary>
    public bool Locate(Position position)
    {
        At ??= position;
        return false;
    }
}
