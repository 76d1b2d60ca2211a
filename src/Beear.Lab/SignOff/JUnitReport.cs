using System.Text;
using System.Xml;
using System.Xml.Linq;
using Beear.Runtime;

namespace Beear.Lab.SignOff;

/// <summary>A policy check as JUnit XML, which build servers show: a test case for each bar. It holds no times.</summary>
internal static class JUnitReport
{
    private const string Suite = "beear gate";

    // Some readers show test cases by class.
    private const string Class = "beear.gate";

    private static readonly XmlWriterSettings Form =
        new() { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), Indent = true, NewLineChars = "\n" };

    /// <summary>The document as UTF-8.</summary>
    /// <param name="lines">What <see cref="Policy.Check"/> found; a bar whose number was not measured fails.</param>
    public static byte[] Of(IReadOnlyList<PolicyLine> lines)
    {
        XAttribute[] counts =
        [
            new("name", Suite), new("tests", lines.Count), new("failures", lines.Count(line => !line.IsMet)), new("errors", 0),
        ];
        var root = new XElement("testsuites", counts, new XElement("testsuite", counts, lines.Select(Case)));
        using var bytes = new MemoryStream();
        using (var writer = XmlWriter.Create(bytes, Form)) root.Save(writer);
        return [.. bytes.ToArray(), (byte)'\n'];
    }

    /// <summary>Writes the document.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="lines">What was found.</param>
    /// <exception cref="BeearException">The system refuses to write there, or has no room.</exception>
    public static void Write(string path, IReadOnlyList<PolicyLine> lines)
    {
        byte[] content = Of(lines);
        AtomicOutput.WriteFile(path, stream => stream.Write(content));
    }

    private static XElement Case(PolicyLine line)
    {
        var one = new XElement("testcase", new XAttribute("classname", Class), new XAttribute("name", VisibleText.Of(line.What)));
        if (line.IsMet) return one;
        string measured = VisibleText.Of(line.Measured), bar = VisibleText.Of(line.Bar);
        string asked = bar.Length == 0 ? "" : $", asked for {bar}";
        one.Add(new XElement("failure", new XAttribute("type", "policy"), new XAttribute("message", $"{measured}{asked}"),
            $"{VisibleText.Of(line.What)}: {measured}{asked}"));
        return one;
    }
}
