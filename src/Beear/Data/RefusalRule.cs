namespace Beear.Data;

/// <summary>To be replaced.</summary>
public static class RefusalRule
{
    /// <summary>Whether the answer is a refusal.</summary>
    public static bool IsRefusal(string answer) => Refusals.IsRefusal(answer);

    /// <summary>What is known of a beginning.</summary>
    public static bool? Decide(string beginning) => Refusals.IsRefusal(beginning) ? true : null;
}
