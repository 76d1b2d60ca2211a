using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Beear.Data;

/// <summary>What a property means, from the XML documentation that lies beside its assembly.</summary>
internal static partial class RecipeDocumentation
{
    private static readonly ConcurrentDictionary<Assembly, IReadOnlyDictionary<string, string>> Files = new();

    /// <summary>The property's summary as one line of plain text; empty if the documentation file is not there.</summary>
    public static string Summary(PropertyInfo property) =>
        Files.GetOrAdd(property.DeclaringType!.Assembly, Load)
            .GetValueOrDefault($"P:{property.DeclaringType!.FullName?.Replace('+', '.')}.{property.Name}", "");

    private static Dictionary<string, string> Load(Assembly assembly)
    {
        var path = Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml");
        if (!File.Exists(path)) return [];
        var summaries = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in XDocument.Load(path).Descendants("member"))
        {
            if (member.Attribute("name") is { } name && member.Element("summary") is { } summary)
                summaries[name.Value] = WhiteSpace().Replace(string.Concat(summary.Nodes().Select(PlainText)), " ").Trim();
        }
        return summaries;
    }

    private static string PlainText(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { IsEmpty: true } reference =>
            (reference.Attribute("cref") ?? reference.Attribute("langword")
                ?? reference.Attribute("name"))?.Value.Split('.', ':')[^1] ?? "",
        XElement element => string.Concat(element.Nodes().Select(PlainText)),
        _ => "",
    };

    [GeneratedRegex(@"\s+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WhiteSpace();
}
