using System.Text;

namespace Beear.Text.Tokenization.Models;

/// <summary>The tokens &lt;0x00&gt; to &lt;0xFF&gt;, into which characters outside the vocabulary fall apart.</summary>
internal sealed class ByteTokens
{
    private readonly int[] ids = new int[256];

    /// <summary>Looks the tokens up; some or all may be missing.</summary>
    public ByteTokens(Dictionary<string, int> vocabulary)
    {
        for (int value = 0; value < ids.Length; value++) ids[value] = vocabulary.GetValueOrDefault($"<0x{value:X2}>", -1);
    }

    /// <summary>Appends the tokens of the text's bytes; false, and nothing appended, if one of them is missing.</summary>
    public bool TryAppend(ReadOnlySpan<char> text, List<int> output)
    {
        int start = output.Count;
        foreach (byte value in Encoding.UTF8.GetBytes(text.ToArray()))
        {
            if (ids[value] < 0)
            {
                output.RemoveRange(start, output.Count - start);
                return false;
            }
            output.Add(ids[value]);
        }
        return true;
    }
}
