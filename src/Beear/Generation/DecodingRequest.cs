using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Beear.Generation;

/// <summary>A prompt that is to be continued.</summary>
/// <param name="Prompt">Token ids; not empty.</param>
/// <param name="Options">How to decode; the size of batches does not matter here.</param>
internal sealed record DecodingRequest(int[] Prompt, GenerationOptions Options)
{
    /// <summary>How many likeliest tokens come with each token's probability; null for no probabilities.</summary>
    public int? Likeliest { get; init; }

    /// <summary>Whether the prompt's own tokens are handed out too, with their probabilities, before the answer.</summary>
    public bool Echo { get; init; }

    /// <summary>Whether the prompt is all that is wanted: nothing is decoded.</summary>
    public bool PromptOnly { get; init; }
}

/// <summary>A token that was decoded, or one of the prompt's.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Chance">How likely it was; null if that was not asked for, and for a prompt's first token.</param>
internal sealed record DecodedToken(int Token, TokenChance? Chance);

/// <summary>How likely a token was, before temperature and cuts.</summary>
/// <param name="LogProbability">Natural logarithm of its probability.</param>
/// <param name="Likeliest">The likeliest tokens in its place with theirs, the first the most likely.</param>
internal sealed record TokenChance(double LogProbability, IReadOnlyList<Candidate> Likeliest)
{
    /// <summary>How likely tokens were, each in its row.</summary>
    /// <param name="logits">(R, V).</param>
    /// <param name="tokens">R ids.</param>
    /// <param name="count">How many of the likeliest to name.</param>
    public static TokenChance[] Of(Tensor logits, int[] tokens, int count)
    {
        using var scope = NewDisposeScope();
        var logs = logits.to(float32).log_softmax(-1);                                                   // (R, V)
        var ids = tensor([.. tokens.Select(id => (long)id)], device: logits.device).unsqueeze(1);        // (R, 1)
        float[] own = logs.gather(1, ids).cpu().data<float>().ToArray();
        count = (int)Math.Min(count, logs.size(1));
        var (values, places) = count > 0 ? logs.topk(count) : (logs.narrow(1, 0, 0), ids.narrow(1, 0, 0)); // (R, count) twice
        float[] best = count > 0 ? values.cpu().data<float>().ToArray() : [];
        long[] which = count > 0 ? places.cpu().data<long>().ToArray() : [];
        return [.. tokens.Select((_, row) => new TokenChance(own[row],
            [.. Enumerable.Range(row * count, count).Select(i => new Candidate((int)which[i], best[i]))]))];
    }
}

/// <summary>A token that was possible.</summary>
/// <param name="Token">Its id.</param>
/// <param name="LogProbability">Natural logarithm of its probability.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Candidate(int Token, double LogProbability);
