using Beear.Text;

namespace Beear.Data;

/// <summary>Examples as token ids: the one way in which texts become what is trained on.</summary>
public static class ExampleEncoding
{
    /// <summary>Checks, before weights are loaded, that the model's template takes all conversations, and each leaves room for an answer.</summary>
    /// <param name="chat">The model's chat format.</param>
    /// <param name="examples">Conversations; their answers are not looked at.</param>
    /// <param name="cancellation">Stops between conversations.</param>
    /// <exception cref="BeearException">One does not fit; the message names the row that it was read from.</exception>
    public static void RequireRoom(this ChatFormat chat, IEnumerable<Example> examples, CancellationToken cancellation = default)
    {
        foreach (var example in examples)
        {
            cancellation.ThrowIfCancellationRequested();
            chat.EncodeContext(example.Conversation);
        }
    }

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
