using Beear.Kernels;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>What is learnt from pairs of answers: pure functions over pairs.</summary>
internal static class PreferenceLosses
{
    /// <summary>The negative log-likelihood of the preferences under Bradley and Terry's model: −log σ(margin).</summary>
    /// <param name="margins">(B): by how much the chosen answer is better, such as r_chosen − r_rejected.</param>
    /// <returns>(B), in nats.</returns>
    public static Tensor Pairwise(Tensor margins)
    {
        using var scope = NewDisposeScope();
        return (-nn.functional.logsigmoid(margins)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The margins of direct preference optimisation (Rafailov et al., arXiv 2305.18290): β·[(log π_c − log π_ref,c) − (log π_r − log
    /// π_ref,r)].
    /// </summary>
    /// <param name="chosen">(B) log-probabilities of the chosen answers under the policy.</param>
    /// <param name="rejected">(B) of the rejected ones.</param>
    /// <param name="referenceChosen">(B) under the reference; no gradient.</param>
    /// <param name="referenceRejected">(B) under the reference; no gradient.</param>
    /// <param name="beta">β.</param>
    /// <returns>(B).</returns>
    public static Tensor DirectMargins(Tensor chosen, Tensor rejected, Tensor referenceChosen, Tensor referenceRejected, double beta)
    {
        using var scope = NewDisposeScope();
        return ((chosen - referenceChosen) - (rejected - referenceRejected)).Times(beta).MoveToOuterDisposeScope();
    }
}
