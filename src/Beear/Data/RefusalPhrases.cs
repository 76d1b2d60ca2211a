using System.Text.RegularExpressions;

namespace Beear.Data;

/// <summary>Phrases as expressions that are matched in linear time.</summary>
internal sealed class PhraseSet(IReadOnlyList<Regex> expressions)
{
    /// <summary>Whether one of the phrases is in the words.</summary>
    public bool IsIn(string words)
    {
        foreach (var expression in expressions)
        {
            if (expression.IsMatch(words)) return true;
        }
        return false;
    }

    /// <summary>The words without the phrases.</summary>
    public string TakenOutOf(string words) => expressions.Aggregate(words, (left, expression) => expression.Replace(left, " "));
}

/// <summary>The phrases of <see cref="RefusalRule"/>: Data/Resources/refusal-phrases.txt, whose head says how it is written.</summary>
internal sealed class RefusalPhrases
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant;
    private const string AnyWords = "( [^ ]+)*";
    private const int PhrasesTogether = 16; // .NET limits the size of one expression that is matched in linear time

    private static readonly Lazy<RefusalPhrases> Loaded = new(() => new RefusalPhrases(ReadResource()));

    private readonly Dictionary<string, string> contractions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> choices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> sections = new(StringComparer.Ordinal);

    private RefusalPhrases(IEnumerable<string> lines)
    {
        string section = "";
        foreach (string line in lines.Select(line => FoldedText.Fold(line)).Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] == '[') section = line.Trim('[', ']');
            else if (section is "contractions" or "choices") AddName(section == "choices" ? choices : contractions, line);
            else AddPhrase(section, line);
        }
        (Complies, Refuses, NoRefusal, Turns, NoTurn) =
            (Expression("complies"), Expression("refuses"), Expression("no refusal"), Expression("turns"), Expression("no turn"));
    }

    /// <summary>The phrases, read when they are first needed.</summary>
    public static RefusalPhrases Instance => Loaded.Value;

    /// <summary>A sentence that begins an answer.</summary>
    public PhraseSet Complies { get; }

    /// <summary>A sentence that refuses.</summary>
    public PhraseSet Refuses { get; }

    /// <summary>What only looks like a refusal.</summary>
    public PhraseSet NoRefusal { get; }

    /// <summary>An answer after all.</summary>
    public PhraseSet Turns { get; }

    /// <summary>What only looks like an answer after all.</summary>
    public PhraseSet NoTurn { get; }

    /// <summary>The word in full: "cannot" for "can't"; most words stand for themselves.</summary>
    public string InFull(string word) => contractions.GetValueOrDefault(word, word);

    private void AddName(Dictionary<string, string> names, string line)
    {
        string[] parts = line.Split(" = ");
        names.Add(parts[0], Insert(parts[1]));
    }

    /// <summary>Words stand between spaces; a script without spaces (U+1100 and above) matches anywhere.</summary>
    private void AddPhrase(string section, string line)
    {
        if (!sections.TryGetValue(section, out var phrases)) sections.Add(section, phrases = []);
        string phrase = Insert(line).Replace(" ...", "...", StringComparison.Ordinal).Replace("...", AnyWords, StringComparison.Ordinal);
        bool isWithoutSpaces = phrase.Any(character => character >= '\u1100');
        string start = section == "complies" ? "< " : "";
        phrases.Add(isWithoutSpaces ? $"{start}({phrase})" : $" {start}({phrase}) ");
    }

    private string Insert(string phrase)
    {
        foreach (var (name, choice) in choices) phrase = phrase.Replace($"{{{name}}}", choice, StringComparison.Ordinal);
        return phrase;
    }

    private PhraseSet Expression(string section) => new([.. sections[section].Chunk(PhrasesTogether).Select(phrases =>
        new Regex(string.Join('|', phrases), Linear))]);

    private static IEnumerable<string> ReadResource()
    {
        using var stream = typeof(RefusalPhrases).Assembly.GetManifestResourceStream("refusal-phrases.txt")
            ?? throw new InvalidOperationException("The resource refusal-phrases.txt is missing from the assembly.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line) yield return line;
    }
}
