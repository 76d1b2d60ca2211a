using Beear.Behaviours;

namespace Beear.Cli;

/// <summary>What must not happen, as options say it.</summary>
internal sealed record BehaviourSettings : IValidatable
{
    /// <summary>
    /// What must not happen: refusal, where harmful requests must be refused, or unsafe_code, where code must have no weakness that static
    /// analysers know.
    /// </summary>
    public string Behaviour { get; init; } = Refusal.Instance.Name;

    /// <summary>What judges code.</summary>
    [Inline, Folded]
    public UnsafeCodeOptions Code { get; init; } = new();

    /// <inheritdoc/>
    public void Validate()
    {
        string[] known = [Refusal.Instance.Name, UnsafeCode.BehaviourName];
        if (!known.Contains(Behaviour))
            throw new BeearException($"behaviour: there is no '{Behaviour}'{Spelling.Advice(Behaviour, known)}");
        Code.Validate();
    }

    /// <summary>The behaviour; what judges it is there.</summary>
    /// <exception cref="BeearException">An analyser is not installed, or does not work.</exception>
    public IBehaviour Resolve()
    {
        IBehaviour behaviour = Behaviour == UnsafeCode.BehaviourName ? UnsafeCode.Of(Code) : Refusal.Instance;
        _ = behaviour.Instruments;
        return behaviour;
    }
}
