using System.Globalization;
using Beear.Runtime;
using Beear.Text;

namespace Beear.Data;

/// <summary>Examples as token ids: the one way in which texts become what is trained on.</summary>
internal static class ExampleEncoding
{
    /// <summary>
    /// Checks, before weights are loaded, that the model's template takes all conversations, that each leaves room for an answer, and that
    /// the machine has the memory for the longest.
    /// </summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="examples">Conversations; their answers are not looked at.</param>
    /// <param name="bytes">What a prompt of so many tokens takes at least; null if that is not looked at.</param>
    /// <param name="cancellation">Stops between conversations.</param>
    /// <exception cref="BeearException">One does not fit; the message names the row that it was read from.</exception>
    internal static void RequireRoom(this ChatFormat chat, IEnumerable<Example> examples, Func<int, long>? bytes,
        CancellationToken cancellation = default)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        foreach (var example in examples)
        {
            cancellation.ThrowIfCancellationRequested();
            int tokens = chat.EncodeContext(example.Conversation).Length;
            if (bytes?.Invoke(tokens) is { } needed && needed > available) throw TooLong(example, tokens, needed, available);
        }
    }

    /// <summary>What messages call the conversation with the longest prompt.</summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="examples">Conversations; at least one.</param>
    public static string LongestOf(this ChatFormat chat, IEnumerable<Example> examples) =>
        examples.MaxBy(example => chat.EncodeContext(example.Conversation).Length)!.Named;

    private static BeearException TooLong(Example example, int tokens, long needed, long available) =>
        new(string.Create(CultureInfo.InvariantCulture,
        $"{example.Named}: its prompt has {tokens:N0} tokens, whose attention takes {ByteSize.Format(needed)}, and this machine has "
            + $"{ByteSize.Format(available)}; shorten it, or leave its row out."));

    /// <summary>Encodes a conversation and its answer.</summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="example">The conversation and its answer.</param>
    /// <param name="maxTokens">A longer answer is cut, as is one that goes beyond what the model was made for.</param>
    /// <exception cref="BeearException">The template refuses the conversation, or it leaves no room for an answer.</exception>
    public static TokenizedExample Encode(this ChatFormat chat, Example example, int maxTokens = int.MaxValue)
    {
        int[] prompt = chat.EncodeContext(example.Conversation);
        return new TokenizedExample(prompt, chat.EncodeAnswer(example.Answer, Math.Min(maxTokens, chat.MaximumTokens - prompt.Length)));
    }
}
