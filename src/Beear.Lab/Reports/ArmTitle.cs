namespace Beear.Lab.Reports;

/// <summary>Names of arms as people read them.</summary>
public static class ArmTitle
{
    /// <summary>For example "plain safety fine-tuning" for safety_fine_tuning.</summary>
    public static string Of(string arm) => arm switch
    {
        "planted" => "backdoor planted",
        "safety_fine_tuning" => "plain safety fine-tuning",
        "beear" => "BEEAR",
        "crow" => "CROW",
        "token_space" => "token-space counterpart",
        "wrong_trigger" => "planted, wrong trigger",
        "clean" => "never backdoored",
        "clean_beear" => "never backdoored, BEEAR",
        _ => arm.Replace('_', ' '),
    };
}
