using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Beear.Server.OpenAI;

/// <summary>What all endpoints share: the models, the options, the measurements.</summary>
/// <param name="models">The models; they become its own.</param>
/// <param name="options">Defaults and what is allowed.</param>
/// <param name="seed">Of answers whose requests have none; each gets another that is derived from it.</param>
internal sealed class Serving(IReadOnlyList<ServedModel> models, ServingOptions options, int seed) : IDisposable
{
    private long asked;

    /// <summary>The models, in the order in which they were named.</summary>
    public IReadOnlyList<ServedModel> Models => models;

    /// <summary>Defaults and what is allowed.</summary>
    public ServingOptions Options => options;

    /// <summary>What is measured.</summary>
    public ServerMetrics Metrics { get; } = new(models);

    /// <summary>The seed of a request that has none.</summary>
    public int NextSeed() =>
        Seeds.Derive(seed, "request", Interlocked.Increment(ref asked).ToString(CultureInfo.InvariantCulture));

    /// <summary>A model by its name.</summary>
    /// <exception cref="ApiException">There is no such model, or none is named.</exception>
    public ServedModel Find(string? name)
    {
        if (name is null) throw new ApiException(StatusCodes.Status400BadRequest, "You must provide a model parameter.", "model",
            "missing_required_parameter");
        return models.FirstOrDefault(model => model.Name == name) ?? throw new ApiException(StatusCodes.Status404NotFound,
            $"The model '{name}' does not exist; there is {string.Join(", ", models.Select(model => $"'{model.Name}'"))}.", "model",
            "model_not_found");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Metrics.Dispose();
        foreach (var model in models) model.Dispose();
    }
}
