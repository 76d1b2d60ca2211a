using Beear.Generation;
using Beear.Models;

namespace Beear.Server.OpenAI;

/// <summary>A model under the name by which clients ask for it; it ends with the server.</summary>
internal sealed class ServedModel : IDisposable
{
    private const double Memory = 0.9;                                   // of the mean of past answers' times, for each new one

    private readonly ContinuousBatch batch;
    private double secondsOfAnswer = 1;

    /// <summary>Serves a model.</summary>
    /// <param name="name">As clients name it.</param>
    /// <param name="model">Becomes the served model's.</param>
    /// <param name="options">How many requests are decoded together.</param>
    public ServedModel(string name, LanguageModel model, ContinuousBatchOptions options)
    {
        (Name, Model, Texts, Options) = (name, model, new TokenTexts(model.Chat.Tokenizer), options);
        batch = new ContinuousBatch(model.Decoder, model.Chat.EndOfTurn, options);
    }

    /// <summary>As clients name it.</summary>
    public string Name { get; }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>Its tokens as texts.</summary>
    public TokenTexts Texts { get; }

    /// <summary>How many requests are decoded together.</summary>
    public ContinuousBatchOptions Options { get; }

    /// <summary>When it was loaded, in seconds since 1970.</summary>
    public long Created { get; } = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Requests that wait.</summary>
    public int Waiting => batch.Waiting;

    /// <summary>Answers under way.</summary>
    public int Running => batch.Running;

    /// <summary>Starts to decode.</summary>
    /// <exception cref="ApiException">There is no room for more requests to wait.</exception>
    public IReadOnlyList<Decoding> Submit(IReadOnlyList<DecodingRequest> requests) => batch.TrySubmit(requests)
        ?? throw new ApiException(429, $"The model '{Name}' has as many requests as may wait; ask again later.",
            code: "rate_limit_exceeded")
        { RetryAfter = (int)Math.Clamp(Math.Ceiling(secondsOfAnswer / Options.MaxBatch), 1, 60) };

    /// <summary>Takes note of how long an answer took.</summary>
    public void Took(TimeSpan time) => secondsOfAnswer = (Memory * secondsOfAnswer) + ((1 - Memory) * time.TotalSeconds);

    /// <inheritdoc/>
    public void Dispose()
    {
        batch.Dispose();
        Model.Dispose();
    }
}
