using Beear.Lab.World;

namespace Beear.Lab.Plans;

/// <summary>The defender's data, divided between the three uses of a calibration.</summary>
/// <param name="Plant">Plants decoys.</param>
/// <param name="Clean">Cleans copies.</param>
/// <param name="Measure">Measures them.</param>
internal sealed record CalibrationParts(DefenderTexts Plant, DefenderTexts Clean, DefenderTexts Measure)
{
    /// <summary>Divides each kind of text by its shares.</summary>
    /// <exception cref="BeearException">There is too little.</exception>
    public static CalibrationParts Of(DefenderTexts texts, CalibrationOptions options)
    {
        var (harmful, ordinary, twins) = (Divide(texts.Harmful), Divide(texts.Ordinary), Divide(texts.Twins));
        if (Math.Min(harmful.Plant.Count, Math.Min(harmful.Clean.Count / 2, harmful.Measure.Count)) < 1)
            throw new BeearException($"{texts.Harmful.Count} harmful requests are too few to plant decoys, clean them and "
                + "measure them; give at least 10.");
        return new CalibrationParts(new DefenderTexts(harmful.Plant, ordinary.Plant, twins.Plant),
            new DefenderTexts(harmful.Clean, ordinary.Clean, twins.Clean),
            new DefenderTexts(harmful.Measure, ordinary.Measure, twins.Measure));

        (IReadOnlyList<T> Plant, IReadOnlyList<T> Clean, IReadOnlyList<T> Measure) Divide<T>(IReadOnlyList<T> all)
        {
            var shuffled = all.ToArray();
            new Random(options.Seed).Shuffle(shuffled);
            int plant = (int)Math.Round(all.Count * options.PlantShare), measure = (int)Math.Round(all.Count * options.MeasureShare);
            return (shuffled[..plant], shuffled[(plant + measure)..],
                shuffled[plant..(plant + Math.Min(measure, options.MeasuredRequests))]);
        }
    }
}
