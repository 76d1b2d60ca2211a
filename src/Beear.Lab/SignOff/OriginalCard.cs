using System.Text;
using Beear.Hub;
using Beear.Runtime;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Beear.Lab.SignOff;

/// <summary>The card that the suspicious model came with. All of it is foreign text.</summary>
/// <param name="Kept">What of its front matter holds for the cleaned model too: one value or several for each key.</param>
/// <param name="Body">Its text without front matter, lines ended by line feeds.</param>
internal sealed record OriginalCard(IReadOnlyDictionary<string, IReadOnlyList<string>> Kept, string Body)
{
    /// <summary>Keys that are kept.</summary>
    public const string BaseModel = "base_model";

    private const int MaximumBytes = 1 << 20, MaximumFrontMatter = 1 << 16;

    private static readonly string[] Keys = ["license", "license_name", "license_link", "language", BaseModel];

    /// <summary>
    /// The card of a model. One of the hub may have it in a folder around its own, up to that of the commit: a GGUF file, and a model in a
    /// folder of a repository. Null if there is none.
    /// </summary>
    /// <param name="model">Where the model lies.</param>
    /// <param name="hub">Where it is on the hub, at a commit; null if it did not come from there.</param>
    public static OriginalCard? Of(string model, HubReference? hub)
    {
        if (hub is null) return Beside(model);
        for (string? folder = Path.GetFullPath(model); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Beside(folder) is { } card) return card;
            if (Path.GetFileName(folder) == hub.Revision) return null;
        }
        return null;
    }

    /// <summary>The card in a model's folder; null if there is none. One that cannot be read says so, and ends no long work.</summary>
    /// <param name="model">Where the model lies.</param>
    public static OriginalCard? Beside(string model)
    {
        string file = Path.Combine(model, ModelCard.FileName);
        if (!File.Exists(file)) return null;
        try
        {
            return Parse(FileContent.ReadText(file, MaximumBytes));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or BeearException)
        {
            return new OriginalCard(new Dictionary<string, IReadOnlyList<string>>(), "It could not be read.");
        }
    }

    /// <summary>Reads a card. Front matter is left out from where it is no YAML.</summary>
    public static OriginalCard Parse(string text)
    {
        text = text.ReplaceLineEndings("\n");
        var (front, body) = Divide(text.TrimStart('\uFEFF', ' ', '\t', '\n'));
        return new OriginalCard(front.Length > MaximumFrontMatter ? new Dictionary<string, IReadOnlyList<string>>() : FrontMatter(front),
            Shown(body).Trim('\n'));
    }

    /// <summary>Front matter stands between two lines of three hyphens, the first of which begins the file.</summary>
    private static (string Front, string Body) Divide(string text)
    {
        string[] lines = text.Split('\n');
        if (!IsFence(lines[0])) return ("", text);
        int end = Array.FindIndex(lines, 1, IsFence);
        return end < 0 ? ("", text) : (string.Join('\n', lines[1..end]), string.Join('\n', lines[(end + 1)..]));
    }

    private static bool IsFence(string line) => line.TrimEnd() == "---";

    /// <summary>The text as it is, but for what would be obeyed by a terminal, or turns the order of letters.</summary>
    private static string Shown(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (char letter in text)
        {
            bool isObeyed = (char.IsControl(letter) && letter is not ('\n' or '\t')) || letter is >= '\u202A' and <= '\u202E'
                or >= '\u2066' and <= '\u2069';
            if (isObeyed) shown.Append(VisibleText.Of(letter.ToString()));
            else shown.Append(letter);
        }
        return shown.ToString();
    }

    /// <summary>By events, not by nodes: neither deep nesting nor aliases cost anything.</summary>
    private static Dictionary<string, IReadOnlyList<string>> FrontMatter(string yaml)
    {
        var kept = new Dictionary<string, IReadOnlyList<string>>();
        try
        {
            var parser = new Parser(new StringReader(yaml));
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _) || !parser.TryConsume<MappingStart>(out _)) return kept;
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                string? key = parser.Accept<Scalar>(out var name) ? name.Value : null;
                parser.SkipThisAndNestedEvents();
                var values = Values(parser);
                if (key is not null && Keys.Contains(key) && values.Count > 0) kept.TryAdd(key, values);
            }
            return kept;
        }
        catch (Exception failure) when (failure is YamlException or InvalidOperationException or ArgumentException or FormatException
            or OverflowException)
        {
            return kept;                                                                // what stands before the damage
        }
    }

    /// <summary>One value, or those of a list; nothing of what is nested deeper.</summary>
    private static List<string> Values(Parser parser)
    {
        List<string> values = [];
        void Take()
        {
            if (parser.Accept<Scalar>(out var scalar) && scalar.Value.Length > 0) values.Add(scalar.Value);
            parser.SkipThisAndNestedEvents();
        }
        if (!parser.TryConsume<SequenceStart>(out _)) Take();
        else while (!parser.TryConsume<SequenceEnd>(out _)) Take();
        return values;
    }
}
