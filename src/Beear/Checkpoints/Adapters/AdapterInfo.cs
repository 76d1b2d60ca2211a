namespace Beear.Checkpoints.Adapters;

/// <summary>What an adapter folder of PEFT is; its base need not be here.</summary>
/// <param name="Folder">The folder of the adapter.</param>
/// <param name="Kind">"LoRA", "rank-stabilised LoRA" or "DoRA".</param>
/// <param name="Base">The base as adapter_config.json names it: a path, or a model of the hub; "" if it names none.</param>
/// <param name="Revision">The base's revision on the hub; null for its main branch.</param>
/// <param name="Ranks">The ranks that occur, ascending.</param>
/// <param name="HasOwnBase">Whether the folder also holds a config.json and full weights, which the adapter is then merged into.</param>
internal sealed record AdapterInfo(string Folder, string Kind, string Base, string? Revision, IReadOnlyList<int> Ranks, bool HasOwnBase)
{
    /// <summary>The base as a model of the hub is named: with its revision.</summary>
    public string HubName => Revision is { Length: > 0 } ? $"{Base}@{Revision}" : Base;

    /// <summary>Looks whether a path is an adapter's folder.</summary>
    /// <returns>Null if it is not.</returns>
    /// <exception cref="BeearException">It is one, of a kind that cannot be merged.</exception>
    public static AdapterInfo? Find(string path) => AdapterFolder.IsAt(path) ? AdapterFolder.Describe(path) : null;

    /// <summary>
    /// Where the base lies: the folder itself if it holds full weights, else what <see cref="Base"/> names, from the root, the adapter's
    /// folder or the current one; null if nothing is there.
    /// </summary>
    public string? FindBase()
    {
        if (HasOwnBase) return Folder;
        return Base.Length == 0 ? null : new[] { Path.Combine(Folder, Base), Base }.FirstOrDefault(Path.Exists);
    }
}
