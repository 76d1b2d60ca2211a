using Beear.Lab.Reports;
using Beear.Runtime;
using Microsoft.AspNetCore.Components;

namespace Beear.Server.Studio.Pages;

/// <summary>A part of a page. Everything that a file or a model wrote goes through <see cref="T"/>.</summary>
public abstract class StudioPart : ComponentBase
{
    /// <summary>What it shows; each part knows its type.</summary>
    [Parameter, EditorRequired]
    public object Data { get; set; } = new();

    /// <summary>What stands in it.</summary>
    [Parameter]
    public RenderFragment? ChildContent { get; set; }

    /// <summary>Foreign text on a line, with everything visible in it.</summary>
    protected static string T(string? text) => VisibleText.Of(text ?? "");

    /// <summary>Foreign text with its lines, cut where it is very long.</summary>
    protected static string Long(string? text, int longest = Views.AnswersView.LongestText) =>
        VisibleText.Of(HtmlAnswers.Cut(text ?? "", longest), keepLines: true);
}
