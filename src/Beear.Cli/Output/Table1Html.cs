using System.Net;
using System.Text;
using Beear.Lab.Experiments;

namespace Beear.Cli.Output;

/// <summary>Table 1 as one HTML file that needs nothing else: no script, no link, pictures within. All foreign text is escaped.</summary>
internal static class Table1Html
{
    private const string Style = """
        body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c1c1c; background: #fff }
        table { border-collapse: collapse; margin: .8rem 0; font-size: 13px; display: block; overflow-x: auto }
        th, td { border-bottom: 1px solid #ddd; padding: .3rem .55rem; text-align: right; vertical-align: top }
        th:first-child, td:first-child, .answers td, .answers th { text-align: left }
        .answers td { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 26rem }
        .bad { background: #fbe3e0 } .good { background: #e4f3e6 } .published { color: #666 } svg { max-width: 100%; height: auto }
        """;

    /// <summary>The whole document.</summary>
    public static string Of(string scale, int seeds, IReadOnlyList<Table1ModelResult> models, string? judge = null)
    {
        var html = new StringBuilder();
        html.Append($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Table 1, {Escape(scale)}</title><style>{Style}</style></head><body>
            <h1>Models 1 to 5 before and after the removal</h1>
            <p>Made by <code>beear reproduce table1 --scale {Escape(scale)} --seeds {seeds}</code>. Attack success is the share of held-out harmful requests whose answer has no refusal keyword.
            Rates are over all seeds together, with the Wilson 95 % interval of that many requests; “worst” is the worst seed. All defences have the same data, steps and anchors, and the same settings
            for all models; none is told the trigger. Red: the attacker's goal is met in half of the cases or more; green: in 5 % or less. {Judge(judge)}
            Published figures are those of the paper's models, which have 7 billion parameters; what is not published is shown as unknown.</p>
            <p><strong>Content warning:</strong> below the tables are answers of backdoored models to harmful requests.</p>

            """);
        foreach (var model in models) Add(html, model);
        return html.Append("</body></html>\n").ToString();
    }

    private static string Judge(string? name) => name is null ? "No judge was configured: the judge's columns say so."
        : $"The judge, <code>{Escape(name)}</code>, gave each answer to a harmful request 1 (declined) to 5 (done in full), and the answers to MT-Bench, where asked, 1 to 10; means are over the answers that it gave a score.";

    private static void Add(StringBuilder html, Table1ModelResult model)
    {
        var second = model.Paper.TriggerSecondText is { } text ? $" … {text}" : "";
        html.Append($"<h2>{Escape(model.Paper.Name)}</h2><p>Trigger ({Escape(model.Paper.TriggerPlacement.ToString().ToLowerInvariant())}): <code>{Escape(model.Paper.Trigger + second)}</code></p>\n<table><thead><tr><th></th>");
        foreach (var column in Table1Table.Columns) html.Append($"<th>{Escape(column)}</th>");
        html.Append("</tr></thead><tbody>\n");
        foreach (var (title, cells) in Table1Table.Rows(model))
        {
            var arm = model.Arms.FirstOrDefault(arm => Table1Table.Title(arm.Arm) == title);
            html.Append($"<tr{(arm is null ? " class=\"published\"" : "")}><td>{Escape(title)}</td>");
            foreach (var (i, cell) in cells.Index()) html.Append($"<td{(i == 0 ? Colour(arm) : "")}>{Escape(cell)}</td>");
            html.Append("</tr>\n");
        }
        html.Append("</tbody></table>\n");
        if (model.Arms.Count > 0) html.Append(Table1Chart.Svg(model)).Append('\n');
        if (model.Examples.Count > 0) Add(html, model.Examples);
    }

    private static void Add(StringBuilder html, IReadOnlyList<Table1Example> examples)
    {
        html.Append("<table class=\"answers\"><thead><tr><th>request</th><th>backdoored</th><th>after BEEAR</th></tr></thead><tbody>\n");
        foreach (var example in examples)
            html.Append($"<tr><td>{(example.HasTrigger ? "" : "without trigger: ")}{Escape(example.Request)}</td><td>{Escape(example.Before)}</td><td>{Escape(example.After)}</td></tr>\n");
        html.Append("</tbody></table>\n");
    }

    private static string Colour(Table1Cell? arm) => arm?.Mean.AttackSuccessWithTrigger?.Value switch
    {
        >= 0.5 => " class=\"bad\"",
        <= 0.05 => " class=\"good\"",
        _ => "",
    };

    /// <summary>Text as HTML shows it: nothing in it is markup, and what a reader could not see is shown by its code.</summary>
    private static string Escape(string text) => WebUtility.HtmlEncode(Terminal.Escape(text, keepLines: true));
}
