using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>What was found of one answer of R tokens when it was new. Log-probabilities are of the tempered distribution.</summary>
/// <param name="LogProbs">R: under the policy that wrote it.</param>
/// <param name="Reference">R: under the reference.</param>
/// <param name="Values">R: what the critic expected before each token.</param>
/// <param name="Score">What the reward model says of it, not clipped.</param>
/// <param name="Rewards">R.</param>
/// <param name="Advantages">R.</param>
/// <param name="Returns">R.</param>
internal sealed record AnswerExperience(double[] LogProbs, double[] Reference, double[] Values, double Score, double[] Rewards,
    double[] Advantages, double[] Returns)
{
    /// <summary>Σ (log π − log π_ref): what this answer says of the divergence from the reference, in nats.</summary>
    public double Divergence => LogProbs.Zip(Reference, (own, other) => own - other).Sum();
}

/// <summary>What all updates on some answers look back at: N answer tokens, answer after answer.</summary>
internal sealed class Experience : IDisposable
{
    private readonly Device device;

    /// <summary>Takes what was found.</summary>
    /// <param name="answers">Of each answer.</param>
    /// <param name="device">Where the losses are computed.</param>
    public Experience(IReadOnlyList<AnswerExperience> answers, Device device)
    {
        this.device = device;
        Answers = answers;
        (LogProbs, Values) = (Flat(answer => answer.LogProbs), Flat(answer => answer.Values));
        (Advantages, Returns) = (Flat(answer => answer.Advantages), Flat(answer => answer.Returns));
    }

    /// <summary>Of each answer.</summary>
    public IReadOnlyList<AnswerExperience> Answers { get; }

    /// <summary>(N) float32.</summary>
    public Tensor LogProbs { get; }

    /// <summary>(N) float32.</summary>
    public Tensor Values { get; }

    /// <summary>(N) float32: what the policy's loss reads; whitened where that was asked for.</summary>
    public Tensor Advantages { get; private set; }

    /// <summary>(N) float32.</summary>
    public Tensor Returns { get; }

    /// <summary>Gives the advantages of several passes together mean 0 and variance 1. Returns, which the critic learns, stay.</summary>
    /// <param name="all">All that a batch has.</param>
    public static void Whiten(IReadOnlyList<Experience> all)
    {
        double[] whitened = PpoLosses.Whitened([.. all.SelectMany(one => one.Answers).SelectMany(answer => answer.Advantages)]);
        int next = 0;
        foreach (var one in all)
        {
            int count = one.Answers.Sum(answer => answer.Advantages.Length);
            one.Advantages.Dispose();
            one.Advantages = one.Own(whitened[next..(next + count)]);
            next += count;
        }
    }

    private Tensor Flat(Func<AnswerExperience, double[]> numbers) => Own([.. Answers.SelectMany(numbers)]);

    private Tensor Own(double[] numbers) =>
        tensor(Array.ConvertAll(numbers, number => (float)number), device: device).DetachFromDisposeScope();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in new[] { LogProbs, Values, Advantages, Returns }) tensor.Dispose();
    }
}
