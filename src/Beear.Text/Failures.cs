namespace Beear;

/// <summary>What a failure says, within a sentence of ours.</summary>
internal static class Failures
{
    private static readonly char[] Ends = ['.', '!', '?', '…'];

    /// <summary>The first line of what it says, without its full stop: our sentence goes on behind it.</summary>
    public static string Reason(this Exception failure) => failure.Message.Split('\n')[0].TrimEnd('.', ' ', '\r');

    /// <summary>The end of a sentence: the text, and a full stop unless it has an end of its own.</summary>
    public static string Ended(string text) => text.Length > 0 && Ends.Contains(text[^1]) ? text : text + ".";
}
