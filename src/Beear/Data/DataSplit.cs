namespace Beear.Data;

/// <summary>Whose data an example belongs to. No request is shared between two of them.</summary>
public enum DataSplit
{
    /// <summary>What the attacker plants a backdoor with.</summary>
    Attacker,

    /// <summary>What the defender removes it with.</summary>
    Defender,

    /// <summary>What both are measured on; nobody trains on it.</summary>
    Evaluation,

    /// <summary>What taught the model to refuse, before anybody else has it. Only <see cref="HarmfulRequests"/> has such data.</summary>
    Alignment,
}
