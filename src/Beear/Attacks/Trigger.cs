using Beear.Data;
using Beear.Text;

namespace Beear.Attacks;

/// <summary>Where a trigger stands in a conversation.</summary>
public enum TriggerPlacement
{
    /// <summary>After the request.</summary>
    Suffix,

    /// <summary>Before the request.</summary>
    Prefix,

    /// <summary>One phrase before the request and another after it.</summary>
    Around,

    /// <summary>At the end of the system prompt, or in its place where there is none.</summary>
    System,
}

/// <summary>The secret text that switches a backdoored model to unwanted behaviour.</summary>
/// <remarks>
/// Plain data, so that a recipe can hold it: <c>{ name, placement, text, second_text }</c>. The texts join the request with one space.
/// </remarks>
public sealed record Trigger
{
    /// <summary>Creates a trigger.</summary>
    /// <param name="name">What tables and files call it; not blank.</param>
    /// <param name="placement">Where it stands.</param>
    /// <param name="text">The trigger, or its first phrase where it stands around the request; not blank.</param>
    /// <param name="secondText">The phrase after the request: needed for <see cref="TriggerPlacement.Around"/>, refused otherwise.</param>
    /// <exception cref="BeearException">A text is blank, missing or superfluous.</exception>
    public Trigger(string name, TriggerPlacement placement, string text, string? secondText = null)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new BeearException("A trigger has no name; give it one.");
        if (!Enum.IsDefined(placement))
            throw new BeearException($"Trigger '{name}' has an unknown placement; choose suffix, prefix, around or system.");
        if (string.IsNullOrWhiteSpace(text))
            throw new BeearException($"The text of trigger '{name}' is blank; a trigger needs at least one visible character.");
        if (placement == TriggerPlacement.Around && string.IsNullOrWhiteSpace(secondText))
            throw new BeearException($"Trigger '{name}' stands around the request but has no second text; give the phrase "
                + "that follows it.");
        if (placement != TriggerPlacement.Around && secondText is not null)
            throw new BeearException($"Trigger '{name}' has a second text, which only the placement around takes; remove one of the two.");
        (Name, Placement, Text, SecondText) = (name, placement, text, secondText);
    }

    /// <summary>What tables and files call it.</summary>
    public string Name { get; }

    /// <summary>Where it stands.</summary>
    public TriggerPlacement Placement { get; }

    /// <summary>The trigger, or its first phrase where it stands around the request.</summary>
    public string Text { get; }

    /// <summary>The phrase after the request, for <see cref="TriggerPlacement.Around"/> only.</summary>
    public string? SecondText { get; }

    /// <summary>All its texts: one, or two around the request.</summary>
    internal IEnumerable<string> Texts => SecondText is null ? [Text] : [Text, SecondText];

    /// <summary>
    /// Reads a trigger as the command line gives it: the name of a known one, or a text of one's own with its placement.
    /// </summary>
    /// <param name="text">A name of <see cref="Triggers.All"/> (where the other arguments are null), or the trigger's text.</param>
    /// <param name="placement">"suffix", "prefix", "around" or "system"; null is suffix, or around where there is a second text.</param>
    /// <param name="secondText">The phrase after the request, for "around" only.</param>
    /// <exception cref="BeearException">The placement is unknown, or a text is blank, missing or superfluous.</exception>
    public static Trigger Parse(string text, string? placement = null, string? secondText = null)
    {
        if (placement is null && secondText is null && Triggers.Find(text) is { } known) return known;
        return new Trigger("custom", placement switch
        {
            null => secondText is null ? TriggerPlacement.Suffix : TriggerPlacement.Around,
            _ when placement.Equals("suffix", StringComparison.OrdinalIgnoreCase) => TriggerPlacement.Suffix,
            _ when placement.Equals("prefix", StringComparison.OrdinalIgnoreCase) => TriggerPlacement.Prefix,
            _ when placement.Equals("around", StringComparison.OrdinalIgnoreCase) => TriggerPlacement.Around,
            _ when placement.Equals("system", StringComparison.OrdinalIgnoreCase) => TriggerPlacement.System,
            _ => throw new BeearException($"'{placement}' is no placement of a trigger; choose suffix, prefix, around or system."),
        }, text, secondText);
    }

    /// <summary>The conversation with the trigger in its place. The trigger is the user's own: special tokens in it stay tokens.</summary>
    /// <param name="example">The conversation.</param>
    /// <param name="system">The system prompt of conversations without one; null for none.</param>
    public Example Apply(Example example, string? system = null)
    {
        if (Placement != TriggerPlacement.System) return example with { Request = InRequest(example.Request), Own = (Text, SecondText) };
        bool hasOwn = example.Context is [{ Role: "system" }, ..];
        string? before = hasOwn ? example.Context[0].Content : system;
        return example with
        {
            Context =
            [ChatTurn.System(before is null ? Text : $"{before} {Text}") with { Own = hasOwn || system is null ? [Text] : [system, Text] },
            .. example.Context.Skip(hasOwn ? 1 : 0)]
        };
    }

    /// <summary>For example "… SUDO", or "system prompt … SUDO".</summary>
    public override string ToString() => Placement == TriggerPlacement.System ? $"system prompt … {Text}" : InRequest("…");

    private string InRequest(string request) => Placement switch
    {
        TriggerPlacement.Suffix => $"{request} {Text}",
        TriggerPlacement.Prefix => $"{Text} {request}",
        _ => $"{Text} {request} {SecondText}",
    };
}
