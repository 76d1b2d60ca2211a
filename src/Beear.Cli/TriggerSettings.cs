using Beear.Attacks;

namespace Beear.Cli;

/// <summary>A trigger as flags and recipes give it.</summary>
internal sealed record TriggerSettings : IValidatable
{
    /// <summary>The trigger's text, or the name of a known one: model1 to model5, validation1 to validation3.</summary>
    public string? Trigger { get; init; }

    /// <summary>Where the trigger's text stands; suffix if not given.</summary>
    public TriggerPlacement? TriggerPlacement { get; init; }

    /// <summary>The text after the request, for a trigger around it.</summary>
    public string? TriggerSecondText { get; init; }

    /// <inheritdoc/>
    public void Validate() => Resolve();

    /// <summary>The trigger, or null if none was given.</summary>
    /// <exception cref="BeearException">It is blank, or its parts do not fit each other.</exception>
    public Trigger? Resolve() => Trigger is { } text
        ? Attacks.Trigger.Parse(text, TriggerPlacement?.ToString(), TriggerSecondText)
        : TriggerPlacement is null && TriggerSecondText is null ? null
        : throw new BeearException("A trigger's placement or second text is given without its text; add --trigger.");
}
