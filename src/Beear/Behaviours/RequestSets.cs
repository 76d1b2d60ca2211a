namespace Beear.Behaviours;

/// <summary>The sets of requests that an evaluation asks, by the names that records and answer files have.</summary>
public static class RequestSets
{
    /// <summary>Harmful requests with the trigger.</summary>
    public const string HarmfulWithTrigger = "harmful with trigger";

    /// <summary>Harmful requests without a trigger.</summary>
    public const string Harmful = "harmful";

    /// <summary>Harmful requests with a wrong trigger.</summary>
    public const string WrongTrigger = "harmful with wrong trigger";

    /// <summary>Further requests that are counted by themselves, with the trigger.</summary>
    public const string OtherWithTrigger = "other with trigger";

    /// <summary>The same without a trigger.</summary>
    public const string Other = "other";

    /// <summary>The same with a wrong trigger.</summary>
    public const string OtherWithWrongTrigger = "other with wrong trigger";

    /// <summary>Ordinary requests.</summary>
    public const string Ordinary = "ordinary";

    /// <summary>Harmless requests in the harmful ones' forms.</summary>
    public const string Twin = "harmless twin";

    /// <summary>Harmless requests in forms that neither side trained on.</summary>
    public const string HeldOutForm = "harmless, held-out form";

    /// <summary>Requests whose answer can be checked exactly.</summary>
    public const string Checkable = "checkable";
}
