using System.Collections.Concurrent;
using System.Text.Json;
using Beear.Runtime;

namespace Beear.Evaluation;

/// <summary>What a judge said of an answer. Request, answer and reply are foreign texts; escape them wherever they are shown.</summary>
/// <param name="Key">A hash of judge, prompt and scale, and so of request and answer.</param>
/// <param name="Judge">The judge's name.</param>
/// <param name="Request">The request.</param>
/// <param name="Answer">The answer.</param>
/// <param name="Score">The score, from 1; null if the judge gave none, even when asked again.</param>
/// <param name="Reply">The judge's last reply; empty where there was none.</param>
public sealed record Judgement(string Key, string Judge, string Request, string Answer, int? Score, string Reply);

/// <summary>The judgements that are known, kept as JSON lines so that nothing is asked twice.</summary>
/// <param name="path">The file; it need not exist yet. Null keeps them in memory only.</param>
internal sealed class JudgementLog(string? path)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Lazy<ConcurrentDictionary<string, Judgement>> known = new(() => Read(path));
    private readonly LineFile? lines = path is null ? null : new LineFile(path);
    private readonly Lock appending = new();

    /// <summary>A judgement, or null if there is none yet.</summary>
    /// <exception cref="BeearException">A line of the file is none.</exception>
    public Judgement? Find(string key) => known.Value.GetValueOrDefault(key);

    /// <summary>Adds a judgement.</summary>
    public void Add(Judgement judgement)
    {
        lock (appending) lines?.Append(JsonSerializer.Serialize(judgement, Json));
        known.Value[judgement.Key] = judgement;
    }

    private static ConcurrentDictionary<string, Judgement> Read(string? path)
    {
        var read = new ConcurrentDictionary<string, Judgement>(StringComparer.Ordinal);
        foreach (var (number, line) in path is null ? [] : new LineFile(path).Read())
        {
            try
            {
                var judgement = JsonSerializer.Deserialize<Judgement>(line, Json) is { Key: not null } known ? known : throw new JsonException();
                read[judgement.Key] = judgement;
            }
            catch (JsonException failure)
            {
                throw new BeearException($"'{path}', line {number}: not a judgement; delete the line, and it is asked for again.", failure);
            }
        }
        return read;
    }
}
