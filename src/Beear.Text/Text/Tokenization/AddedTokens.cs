using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Beear.Text.Tokenization.RegularExpressions;

namespace Beear.Text.Tokenization;

/// <summary>A token that is found in the text before any splitting, as tokenizer.json lists it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Not found inside of a word.</param>
/// <param name="LeftStrip">Takes the white space before it.</param>
/// <param name="RightStrip">Takes the white space after it.</param>
/// <param name="Normalized">Found in the normalized text instead of the text as given.</param>
/// <param name="Special">Left out by decoding that skips special tokens.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);

/// <summary>A stretch of text that is an added token (<paramref name="Id"/>), or lies between them (null).</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TextSegment(TextSpan Span, int? Id);

/// <summary>Finds added tokens: the leftmost first, of those that start at the same place the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly SearchValues<string> anyToken;
    private readonly Dictionary<string, AddedToken>.AlternateLookup<ReadOnlySpan<char>> tokens;
    private readonly int[] lengths;

    /// <summary>Prepares the search.</summary>
    public AddedTokenFinder(IEnumerable<AddedToken> tokens)
    {
        var byContent = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        foreach (var token in tokens.Where(token => token.Content.Length > 0)) byContent.TryAdd(token.Content, token);
        this.tokens = byContent.GetAlternateLookup<ReadOnlySpan<char>>();
        lengths = [.. byContent.Keys.Select(content => content.Length).Distinct().OrderDescending()];
        anyToken = SearchValues.Create([.. byContent.Keys], StringComparison.Ordinal);
    }

    /// <summary>Whether there are none to find.</summary>
    public bool IsEmpty => lengths.Length == 0;

    /// <summary>Covers the text from end to end with segments.</summary>
    /// <param name="text">The text.</param>
    /// <param name="budget">What the encoding may take.</param>
    /// <param name="breaks">Places in it that no token goes across, in rising order.</param>
    public List<TextSegment> Split(ReadOnlySpan<char> text, EncodingBudget budget, ReadOnlySpan<int> breaks = default)
    {
        var segments = new List<TextSegment>();
        int covered = 0;
        int position = 0;
        while (lengths.Length > 0 && text[position..].IndexOfAny(anyToken) is var offset and >= 0)
        {
            int start = position + offset;
            var token = LongestAt(text[start..]);
            int end = start + token.Content.Length;
            if (GoesAcross(start, end, breaks))
            {
                position = start + 1;
                continue;
            }
            position = end;
            if (token.SingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..]))) continue;

            if (token.LeftStrip) start = Math.Max(covered, text[..start].TrimEnd().Length);
            if (token.RightStrip) end = text.Length - text[end..].TrimStart().Length;
            budget.Charge(end - start);
            if (covered < start) segments.Add(new TextSegment(new TextSpan(covered, start), null));
            segments.Add(new TextSegment(new TextSpan(start, end), token.Id));
            // the search goes on in what was taken from the right: a token of white space is found there, as in the reference
            covered = end;
        }
        if (covered < text.Length) segments.Add(new TextSegment(new TextSpan(covered, text.Length), null));
        return segments;
    }

    private static bool GoesAcross(int start, int end, ReadOnlySpan<int> breaks)
    {
        int next = breaks.BinarySearch(start + 1);
        if (next < 0) next = ~next;
        return next < breaks.Length && breaks[next] < end;
    }

    private AddedToken LongestAt(ReadOnlySpan<char> text)
    {
        foreach (int length in lengths)
            if (length <= text.Length && tokens.TryGetValue(text[..length], out var token)) return token;
        throw new InvalidOperationException("The search found a token that the dictionary does not have.");
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var last, out _) == OperationStatus.Done && IsWord(last);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var first, out _) == OperationStatus.Done && IsWord(first);

    private static bool IsWord(Rune rune) => CharacterProperties.Word.Contains(rune.Value) || rune.Value is 0x200C or 0x200D;
}
