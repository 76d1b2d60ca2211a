using Beear.Models;
using Beear.Text;

namespace Beear.Mitigation;

/// <summary>The virtual trigger of each round: fresh random tokens, in turn after, before and around the request.</summary>
/// <param name="chat">The model's chat format.</param>
/// <param name="count">Tokens of a trigger; 0 for none.</param>
/// <param name="seed">Decides the tokens.</param>
internal sealed class VirtualTriggers(ChatFormat chat, int count, int seed)
{
    private readonly (int Head, int Tail) template = count > 0 ? chat.TemplateLengths() : default;

    /// <summary>The trigger of a round, 1 for the first; null for none.</summary>
    public VirtualTrigger? Of(int round)
    {
        if (count == 0) return null;
        var random = new Random(unchecked((seed * 1000 + round) * 31));
        int before = ((round - 1) % 3) switch { 0 => 0, 1 => count, _ => count / 2 };
        return new VirtualTrigger([.. Enumerable.Range(0, count).Select(_ => Draw(random))], before, template.Head, template.Tail);
    }

    /// <summary>A token that stands for text.</summary>
    private int Draw(Random random)
    {
        while (true)
        {
            int id = random.Next(chat.Tokenizer.VocabularySize);
            string text = chat.Tokenizer.Decode([id], skipSpecialTokens: true);
            if (text.Length > 0 && !text.Contains('\uFFFD')) return id;
        }
    }
}
