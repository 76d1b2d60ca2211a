namespace Beear.Text.Tokenization.Models;

/// <summary>
/// Where a text can be cut without changing its byte-pair encoding: between two characters of the vocabulary that no merge brings together
/// (in many vocabularies, before the space of each word).
/// </summary>
internal sealed class MergeBoundaries
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> vocabulary;
    private readonly HashSet<int> joints = [];

    /// <summary>Prepares for the merges of a vocabulary.</summary>
    public MergeBoundaries(Dictionary<string, int> vocabulary) => this.vocabulary = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Notes what a merge brings together: the last code unit of the left token and the first one of the right.</summary>
    public void Add(string left, string right)
    {
        if (left.Length > 0 && right.Length > 0) joints.Add(Joint(left[^1], right[0]));
    }

    /// <summary>The length up to the first place where the text can be cut; all of it if there is none.</summary>
    public int FirstIn(ReadOnlySpan<char> text)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) || joints.Contains(Joint(text[i - 1], text[i]))) continue;
            if (IsKnown(CharacterBefore(text, i)) && IsKnown(CharacterAt(text, i))) return i;
        }
        return text.Length;
    }

    private static int Joint(char left, char right) => (left << 16) | right;

    private static ReadOnlySpan<char> CharacterBefore(ReadOnlySpan<char> text, int end) =>
        text[(end - (char.IsLowSurrogate(text[end - 1]) ? 2 : 1))..end];

    private static ReadOnlySpan<char> CharacterAt(ReadOnlySpan<char> text, int start) =>
        text.Slice(start, char.IsHighSurrogate(text[start]) ? 2 : 1);

    private bool IsKnown(ReadOnlySpan<char> character) => vocabulary.ContainsKey(character);
}
