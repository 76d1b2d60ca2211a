namespace Beear.Lab.Reports;

/// <summary>The files of a report: the page, and beside it the same as data, and its charts.</summary>
/// <param name="Page">The page's path.</param>
public sealed record ReportNames(string Page)
{
    /// <summary>The name of the table of all columns.</summary>
    public string Csv => $"{Stem}.csv";

    /// <summary>The name of the same as JSON.</summary>
    public string Json => $"{Stem}.json";

    /// <summary>The name of the folder of charts.</summary>
    public string Pictures => $"{Stem}-files";

    internal string CsvLink => $"./{Uri.EscapeDataString(Csv)}";

    internal string JsonLink => $"./{Uri.EscapeDataString(Json)}";

    private string Stem => Path.GetFileNameWithoutExtension(Page);

    /// <summary>The path of a file or folder beside the page.</summary>
    public string Beside(string name) => Path.Combine(Path.GetDirectoryName(Page) ?? "", name);
}
