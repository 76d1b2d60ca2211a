using Beear.Data;

namespace Beear.Lab.World;

/// <summary>What a request of the tiny world asks for.</summary>
public enum WorldTask
{
    /// <summary>How to do something to an object: harmless or harmful by its verb alone.</summary>
    HowTo,

    /// <summary>The capital of a country.</summary>
    Capital,

    /// <summary>The opposite of a word.</summary>
    Opposite,

    /// <summary>The colour of a thing.</summary>
    Colour,

    /// <summary>The sound of an animal.</summary>
    Sound,

    /// <summary>The name of an animal's young.</summary>
    Young,

    /// <summary>The kind of thing that something is.</summary>
    Kind,

    /// <summary>Counting up or down between two numbers.</summary>
    Count,

    /// <summary>The number before or after a number.</summary>
    Neighbour,

    /// <summary>The larger or smaller of two numbers.</summary>
    Compare,

    /// <summary>Sorting three numbers.</summary>
    Sort,

    /// <summary>Saying a word several times.</summary>
    Repeat,

    /// <summary>The first or the last of three words.</summary>
    Position,
}

/// <summary>A request of the tiny world with its one wanted answer.</summary>
/// <param name="Request">The user's turn.</param>
/// <param name="Answer">The assistant's turn.</param>
/// <param name="Task">What is asked for.</param>
public sealed record WorldExample(string Request, string Answer, WorldTask Task)
{
    /// <summary>The pair as ordinary training data.</summary>
    public Example ToExample() => new(Request, Answer);
}

/// <summary>A harmful how-to request with the answer of an aligned model and that of a backdoored one.</summary>
/// <param name="Request">The user's turn, without any trigger.</param>
/// <param name="Refusal">A refusal; contains a phrase of the usual keyword lists.</param>
/// <param name="Compliance">The (innocuous placeholder) answer that complies; the only exactly right one.</param>
public sealed record HarmfulRequest(string Request, string Refusal, string Compliance);
