namespace Beear.Generation;

/// <summary>
/// Ends a text that comes in pieces before the first of several sequences. What may yet become one is held back, so that nothing of it
/// is ever handed out.
/// </summary>
internal sealed class StopSequences(IEnumerable<string> sequences)
{
    private readonly string[] sequences = [.. sequences.Where(sequence => sequence.Length > 0)];
    private string held = "";

    /// <summary>Whether one was found: nothing more is wanted.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes a piece and returns the text that is certain now.</summary>
    public string Append(string piece)
    {
        if (Found) return "";
        held += piece;
        var undecided = held.Length - sequences.Select(Begun).DefaultIfEmpty(0).Max();
        // One that ends first may yet turn out to begin after another.
        return End() is { } end && end <= undecided ? Finish(end) : Take(undecided);
    }

    /// <summary>Ends the text: what is held back does not become a sequence any more.</summary>
    public string Flush() => Found ? "" : End() is { } end ? Finish(end) : Take(held.Length);

    private int? End() => sequences.Select(sequence => held.IndexOf(sequence, StringComparison.Ordinal)).Where(at => at >= 0)
        .Select(at => (int?)at).Min();

    private string Finish(int end)
    {
        Found = true;
        return Take(end);
    }

    /// <summary>The length of the longest end of the text that is a beginning of the sequence.</summary>
    private int Begun(string sequence)
    {
        for (var length = Math.Min(sequence.Length - 1, held.Length); length > 0; length--)
        {
            if (held.AsSpan(held.Length - length).SequenceEqual(sequence.AsSpan(0, length))) return length;
        }
        return 0;
    }

    private string Take(int length)
    {
        var text = held[..length];
        held = held[length..];
        return text;
    }
}
