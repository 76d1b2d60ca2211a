using Beear.Data;
using Beear.Kernels;
using Beear.Models;
using static TorchSharp.torch;

namespace Beear.Training.Preferences;

/// <summary>How likely a model finds answer tokens; the output head reads their rows alone.</summary>
internal static class AnswerLogProbs
{
    private const long ScoresForEntropy = RowChunks.DefaultScores / 4;   // three tensors of that size exist at once

    /// <summary>Log-probabilities of tokens under the distribution of a temperature.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="rows">(N, d) float32: the residual stream before each token.</param>
    /// <param name="tokens">(N) int64.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="onLogits">
    /// Sees the logits over the temperature, (N, V) in the compute type, before backward writes over them; null for nobody.
    /// </param>
    /// <returns>(N) float32, in nats.</returns>
    public static Tensor Of(Decoder decoder, Tensor rows, Tensor tokens, double temperature, Action<Tensor>? onLogits = null)
    {
        using var scope = NewDisposeScope();
        var logits = decoder.Logits(rows);                                                               // (N, V)
        if (temperature != 1) logits = logits.Over(temperature);
        onLogits?.Invoke(logits);
        return (-Losses.CrossEntropy(logits, tokens)).MoveToOuterDisposeScope();
    }

    /// <summary>Log-probabilities of whole answers: the sums over their tokens, without temperature.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="batch">B conversations.</param>
    /// <param name="cancellation">Stops between layers.</param>
    /// <returns>(B) float32, in nats.</returns>
    public static Tensor OfAnswers(Decoder decoder, TokenBatch batch, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var tokens = -decoder.TokenCrossEntropy(batch, cancellation: cancellation);                      // (N)
        return zeros(batch.Size, float32, tokens.device).index_add(0, batch.LabelExample, tokens, Arithmetic.One)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The sum of the entropies of rows of logits; a part of the rows at a time, without gradient.</summary>
    /// <param name="logits">(N, V).</param>
    /// <returns>In nats.</returns>
    public static double Entropy(Tensor logits)
    {
        using var guard = no_grad();
        double sum = 0;
        foreach (var (first, count) in RowChunks.Of((int)logits.size(0), (int)logits.size(1), ScoresForEntropy))
        {
            using var scope = NewDisposeScope();
            var logShares = logits.narrow(0, first, count).to(float32).log_softmax(-1);                  // (M, V)
            sum -= (logShares.exp() * logShares).sum().to(float64).item<double>();
        }
        return sum;
    }
}
