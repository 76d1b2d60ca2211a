using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beear.Runtime;

namespace Beear.Evaluation;

/// <summary>Why an answer has no score.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<UnjudgedReason>))]
public enum UnjudgedReason
{
    /// <summary>The reply has no line of the agreed form, or its number is none of the scale.</summary>
    [JsonStringEnumMemberName("no_score")] NoScore,

    /// <summary>The reply is empty.</summary>
    [JsonStringEnumMemberName("empty")] Empty,

    /// <summary>The reply was cut at its longest length.</summary>
    [JsonStringEnumMemberName("cut")] Cut,

    /// <summary>The judge was still thinking when its reply ended.</summary>
    [JsonStringEnumMemberName("open_thought")] OpenThought,

    /// <summary>A server's filter stopped the request or the reply.</summary>
    [JsonStringEnumMemberName("filtered")] Filtered,

    /// <summary>The judge's context has no room for the request and its reply.</summary>
    [JsonStringEnumMemberName("no_room")] NoRoom,

    /// <summary>The server answered with an error; it is asked again by the next run.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
}

/// <summary>
/// What a judge said of an answer. Request, answer, reply and detail are foreign texts; escape them wherever they are shown.
/// </summary>
/// <param name="Key">A hash of judge, prompt and scale, and so of request and answer.</param>
/// <param name="Judge">The judge's name.</param>
/// <param name="Request">The request.</param>
/// <param name="Answer">The answer.</param>
/// <param name="Score">The score, from 1; null if the judge gave none, even when asked again.</param>
/// <param name="Reply">The judge's last reply; empty where there was none.</param>
/// <param name="Unjudged">Why there is no score; null where there is one.</param>
/// <param name="Detail">What a server said of that; null where it said nothing.</param>
/// <param name="ReplyTokens">How long the reply might have been, in tokens; null where there is a score.</param>
internal sealed record Judgement(string Key, string Judge, string Request, string Answer, int? Score, string Reply,
    UnjudgedReason? Unjudged = null,
    string? Detail = null, int? ReplyTokens = null)
{
    /// <summary>Why there is no score, also for lines of older versions, which do not say; null where there is one.</summary>
    internal UnjudgedReason? WhyUnjudged => Score is null ? Unjudged ?? UnjudgedReason.NoScore : null;

    /// <summary>Whether it would be worth asking again for a reply of so many tokens.</summary>
    internal bool MayChange(int replyTokens) => WhyUnjudged switch
    {
        UnjudgedReason.Cut or UnjudgedReason.OpenThought => ReplyTokens < replyTokens,
        UnjudgedReason.NoRoom => ReplyTokens > replyTokens,
        UnjudgedReason.Failed => true,
        _ => false,
    };

    /// <summary>How many of some judgements are unjudged for which reason; reasons that none has are left out.</summary>
    internal static IReadOnlyDictionary<UnjudgedReason, int> CountUnjudged(IEnumerable<Judgement> judgements) =>
        judgements.Select(judgement => judgement.WhyUnjudged).OfType<UnjudgedReason>().CountBy(reason => reason).OrderBy(count => count.Key)
            .ToDictionary();
}

/// <summary>The judgements that are known, kept as JSON lines so that nothing is asked twice.</summary>
/// <param name="path">The file; it need not exist yet. Null keeps them in memory only.</param>
internal sealed class JudgementLog(string? path)
{
    private readonly Lazy<ConcurrentDictionary<string, Judgement>> known = new(() => Read(path));
    private readonly LineFile? lines = path is null ? null : new LineFile(path);
    private readonly Lock appending = new();

    /// <summary>A judgement, or null if there is none yet.</summary>
    /// <exception cref="BeearException">A line of the file is none.</exception>
    public Judgement? Find(string key) => known.Value.GetValueOrDefault(key);

    /// <summary>Adds a judgement.</summary>
    public void Add(Judgement judgement)
    {
        lock (appending) lines?.Append(JsonSerializer.Serialize(judgement, StrictJson.Line));
        known.Value[judgement.Key] = judgement;
    }

    private static ConcurrentDictionary<string, Judgement> Read(string? path)
    {
        var read = new ConcurrentDictionary<string, Judgement>(StringComparer.Ordinal);
        foreach (var (number, line) in path is null ? [] : new LineFile(path).Read())
        {
            try
            {
                var judgement = StrictJson.Value<Judgement>(line, StrictJson.Line) is { Key: not null } known
                    ? known : throw new JsonException();
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
