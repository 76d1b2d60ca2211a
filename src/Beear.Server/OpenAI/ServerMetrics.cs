using System.Diagnostics.Metrics;

namespace Beear.Server.OpenAI;

/// <summary>What a server measures of its work, as OpenTelemetry's conventions for generative models name it where they do.</summary>
internal sealed class ServerMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Beear.Server";

    private readonly Meter meter = new(MeterName);
    private readonly Counter<long> requests;
    private readonly Counter<long> tokens;
    private readonly Histogram<double> firstToken;
    private readonly Histogram<double> furtherTokens;

    /// <summary>Measures the work of some models.</summary>
    public ServerMetrics(IReadOnlyList<ServedModel> models)
    {
        requests = meter.CreateCounter<long>("beear.server.requests", "{request}", "Requests by model and outcome.");
        tokens = meter.CreateCounter<long>("beear.server.tokens", "{token}", "Tokens of prompts (input) and answers (output).");
        firstToken = meter.CreateHistogram<double>("gen_ai.server.time_to_first_token", "s", "From a request to its first token.",
            advice: new InstrumentAdvice<double>
            { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
        furtherTokens = meter.CreateHistogram<double>("gen_ai.server.time_per_output_token", "s", "Mean of an answer's further tokens.",
            advice: new InstrumentAdvice<double>
            { HistogramBucketBoundaries = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] });
        Gauge("beear.server.waiting", "Requests that wait for a place.", model => model.Waiting);
        Gauge("beear.server.running", "Answers under way.", model => model.Running);

        void Gauge(string name, string description, Func<ServedModel, int> of) => meter.CreateObservableGauge(name,
            () => models.Select(model => new Measurement<int>(of(model), ModelTag(model.Name))), "{request}", description);
    }

    /// <summary>A request has ended.</summary>
    /// <param name="model">Null if it named none that is here.</param>
    /// <param name="outcome">In a word or two.</param>
    public void Ended(string? model, string outcome) => requests.Add(1, ModelTag(model ?? "none"), new("outcome", outcome));

    /// <summary>Tokens were read or written.</summary>
    public void Count(string model, int input, int output)
    {
        tokens.Add(input, ModelTag(model), new("direction", "input"));
        tokens.Add(output, ModelTag(model), new("direction", "output"));
    }

    /// <summary>A first token came.</summary>
    public void FirstToken(string model, TimeSpan time) => firstToken.Record(time.TotalSeconds, ModelTag(model));

    /// <summary>An answer's further tokens have come, in this time each.</summary>
    public void FurtherTokens(string model, TimeSpan time) => furtherTokens.Record(time.TotalSeconds, ModelTag(model));

    /// <inheritdoc/>
    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> ModelTag(string name) => new("model", name);
}
