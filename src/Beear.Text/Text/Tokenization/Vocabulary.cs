namespace Beear.Text.Tokenization;

/// <summary>Tokens and ids: those of the model and the added ones.</summary>
internal sealed class Vocabulary
{
    /// <summary>Ids are below this; far above any real vocabulary, and small enough to index an array.</summary>
    public const int IdLimit = 1 << 22;

    private readonly Dictionary<string, int> ids;
    private readonly string?[] tokens;
    private readonly HashSet<int> special;

    /// <summary>Joins the model's tokens and the added ones.</summary>
    /// <exception cref="BeearException">An id is negative or not below <see cref="IdLimit"/>.</exception>
    public Vocabulary(Dictionary<string, int> modelTokens, IReadOnlyList<AddedToken> addedTokens)
    {
        // As in the reference, an added token that the model has too keeps the model's id, and an empty one is none.
        AddedTokens = [.. addedTokens.Where(token => token.Content.Length > 0)
            .Select(token => modelTokens.TryGetValue(token.Content, out int id) ? token with { Id = id } : token)];
        ids = new Dictionary<string, int>(modelTokens, StringComparer.Ordinal);
        foreach (var token in AddedTokens) ids[token.Content] = token.Id;
        special = [.. from token in AddedTokens where token.Special select token.Id];

        foreach (var (token, id) in ids)
        {
            if (id is < 0 or >= IdLimit)
                throw new BeearException($"The tokenizer's token \"{token}\" has the id {id}; ids are from 0 to {IdLimit - 1}.");
        }
        tokens = new string?[ids.Count == 0 ? 0 : ids.Values.Max() + 1];
        foreach (var (token, id) in modelTokens) tokens[id] = token;
        foreach (var token in AddedTokens) tokens[token.Id] = token.Content;
    }

    /// <summary>The added tokens with the ids that they have.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>The highest id + 1.</summary>
    public int Size => tokens.Length;

    /// <summary>The id of a token; null if there is no such token.</summary>
    public int? IdOf(string token) => ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>The token of an id; null if there is none.</summary>
    public string? TokenOf(int id) => (uint)id < (uint)tokens.Length ? tokens[id] : null;

    /// <summary>Whether the id belongs to a special token.</summary>
    public bool IsSpecial(int id) => special.Contains(id);
}
