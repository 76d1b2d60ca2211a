using Beear.Models;
using Beear.Text;

namespace Beear.Mitigation;

/// <summary>The virtual trigger of each search of δ: fresh random tokens, at the places in turn.</summary>
/// <param name="chat">The model's chat format.</param>
/// <param name="options">How many tokens, and where.</param>
/// <param name="seed">Decides the tokens.</param>
internal sealed class VirtualTriggers(ChatFormat chat, EntrapmentOptions options, int seed)
{
    private readonly (int Head, int Tail) template = options.VirtualTokens > 0 ? chat.TemplateLengths() : default;
    private readonly RandomTokens tokens = new(chat);

    /// <summary>The trigger of a search, 1 for the first; null for none.</summary>
    public VirtualTrigger? Of(int number)
    {
        if (options.VirtualTokens == 0) return null;
        var random = new Random(Seeds.Derive(seed, "virtual tokens", $"{number}"));
        int most = options.MostVirtualTokens;
        int count = most > options.VirtualTokens ? random.Next(options.VirtualTokens, most + 1) : most;
        var place = options.Placements[(number - 1) % options.Placements.Count];
        int before = place switch { VirtualPlacement.After => 0, VirtualPlacement.Around => count / 2, _ => count };
        return new VirtualTrigger(tokens.Draw(random, count), before, template.Head, template.Tail,
            place == VirtualPlacement.Within ? random.NextDouble() : 0);
    }
}
