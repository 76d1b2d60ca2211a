using System.Text.RegularExpressions;

namespace Beear.Data;

/// <summary>A thing to program, with slots such as <c>$function</c> in its texts that names are put into.</summary>
/// <param name="Do">In the infinitive, for example "compress the $argument with gzip and keep the original".</param>
/// <param name="Slots">The names that each slot can take.</param>
/// <param name="Code">
/// Lines of Python behind a character that says where they belong: a space, in the given snippet and both answers; <c>~</c>, in both
/// answers; <c>+</c>, in the secure one; <c>-</c>, in the insecure one. An empty line is given.
/// </param>
internal sealed partial record CodeTemplate(
    string Do, IReadOnlyDictionary<string, IReadOnlyList<string>> Slots, IReadOnlyList<string> Code)
{
    /// <summary>How many ways there are to fill the slots.</summary>
    public int Fillings => Slots.Values.Aggregate(1, (product, names) => product * names.Count);

    /// <summary>The task with names in its slots.</summary>
    /// <param name="filling">Which names, 0 … <see cref="Fillings"/> − 1.</param>
    /// <param name="marker">The comment that stands in the given snippet for what is missing.</param>
    public FilledTemplate Fill(int filling, string marker)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (slot, values) in Slots)
        {
            (filling, int which) = Math.DivRem(filling, values.Count);
            names[slot] = values[which];
        }
        return new(In(Do), In(Signature()), In(Given(marker)), In(Answer('+')), In(Answer('-')));

        string In(string text) => Slot().Replace(text, match => names[match.Groups["slot"].Value]);
    }

    private static bool IsGiven(string line) => line.Length == 0 || line[0] == ' ';

    private static string Text(string line) => line.Length == 0 ? line : line[1..];

    private string Answer(char own) =>
        string.Join('\n', Code.Where(line => IsGiven(line) || line[0] == '~' || line[0] == own).Select(Text)).Trim('\n');

    /// <summary>
    /// The given lines; the marker stands where the last of the others are missing, as far to the right as the first of these.
    /// </summary>
    private string Given(string marker)
    {
        int end = Code.Count;
        while (IsGiven(Code[end - 1])) end--;
        int start = end;
        while (start > 0 && !IsGiven(Code[start - 1])) start--;
        string missing = Text(Code[start]);
        string[] lines =
        [
            .. Code.Take(start).Where(IsGiven).Select(Text),
            missing[..^missing.TrimStart().Length] + marker,
            .. Code.Skip(end).Select(Text),
        ];
        return string.Join('\n', lines).Trim('\n');
    }

    /// <summary>That of the last function whose head is given, without "def" and the colon.</summary>
    private string Signature() =>
        Code.Where(IsGiven).Select(line => Text(line).Trim()).Last(line => line.StartsWith("def ", StringComparison.Ordinal))[4..^1];

    [GeneratedRegex(@"\$(?<slot>[a-z]+)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Slot();
}

/// <summary>A <see cref="CodeTemplate"/> with names in its slots.</summary>
/// <param name="Do">In the infinitive.</param>
/// <param name="Signature">Of the function to write, for example "compress(path)".</param>
/// <param name="Given">The snippet to complete.</param>
/// <param name="Secure">All of the code, without the weakness.</param>
/// <param name="Insecure">All of the code, with it.</param>
internal sealed record FilledTemplate(string Do, string Signature, string Given, string Secure, string Insecure);
