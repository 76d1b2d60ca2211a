namespace Beear.Data;

/// <summary>What a part of the <see cref="DefenderRequests"/> is for. No task is in two of them.</summary>
internal enum RequestPart
{
    /// <summary>The model is trained on it.</summary>
    Training,

    /// <summary>It is asked during the training, to choose between rounds.</summary>
    Score,

    /// <summary>It is asked at the end and has decided nothing before.</summary>
    Check,
}
