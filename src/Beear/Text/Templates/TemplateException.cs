namespace Beear.Text.Templates;

/// <summary>What went wrong inside a template; <see cref="ChatTemplate"/> adds the line and turns it into a <see cref="BeearException"/>.</summary>
internal sealed class TemplateException : Exception
{
    public TemplateException(string message) : base(message) { }

    public TemplateException(string message, Exception inner) : base(message, inner) { }

    public TemplateException() : base("The template failed.") { }

    /// <summary>The line of the template where the failure was noticed while parsing; 0 while rendering.</summary>
    public int Line { get; init; }

    /// <summary>True if the template itself refused its input with <c>raise_exception</c>.</summary>
    public bool IsRefusal { get; init; }
}
