using System.Diagnostics.CodeAnalysis;

namespace Beear.Hub;

/// <summary>
/// A model on the hub as people write it: <c>owner/name</c>, <c>owner/name@revision</c>, or with one file
/// <c>hub:owner/name/file.gguf@revision</c>, or with one folder <c>hub:owner/name/folder</c>. The prefix <c>hub:</c> may stand before any
/// of them.
/// </summary>
/// <param name="Repository">Owner and name, or a name alone for the few models that have no owner.</param>
/// <param name="Revision">A branch, a tag, or a commit's hash.</param>
/// <param name="File">One file or folder of the repository, or null for what a chat model needs of it.</param>
public sealed record HubReference(string Repository, string Revision = HubReference.DefaultRevision, string? File = null)
{
    /// <summary>The branch that is meant when none is named.</summary>
    public const string DefaultRevision = "main";

    private const string Prefix = "hub:";
    private const int CommitDigits = 40;
    private const int LongestName = 96;

    /// <summary>Whether the revision is a commit's hash: what it names never changes.</summary>
    public bool IsPinned => HubPath.IsHash(Revision, CommitDigits);

    /// <summary>The same model at one commit.</summary>
    public HubReference At(string commit) => this with { Revision = commit };

    /// <summary>Reads a reference.</summary>
    /// <exception cref="BeearException">The text is none.</exception>
    public static HubReference Parse(string text) => TryParse(text, out var reference) ? reference : throw new BeearException(
        $"'{text}' does not name a model on the hub; write owner/name, owner/name@revision, "
            + "hub:owner/name/file.gguf or hub:owner/name/folder.");

    /// <summary>
    /// Reads a reference. Without the prefix exactly owner and name are one, so that no path with more parts, and no file of weights,
    /// is taken for a model on the hub.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubReference? reference)
    {
        reference = null;
        var hasPrefix = text.StartsWith(Prefix, StringComparison.Ordinal);
        var (path, revision) = Cut(hasPrefix ? text[Prefix.Length..] : text);
        var parts = path.Split('/');
        if (!IsRevision(revision) || (!hasPrefix && (parts.Length != 2 || IsWeights(parts[1])))) return false;
        var ofRepository = Math.Min(parts.Length, 2);
        if (!parts.Take(ofRepository).All(IsName)) return false;
        var file = parts.Length > 2 ? string.Join('/', parts.Skip(2)) : null;
        if (parts.Length > 3 && parts[^1].Length == 0) file = file![..^1];              // the slash at the end of a folder
        if (file is not null && !HubPath.IsSafe(file)) return false;
        reference = new HubReference(string.Join('/', parts.Take(ofRepository)), revision, file);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var revision = Revision == DefaultRevision ? "" : $"@{Revision}";
        return File is null && Repository.Contains('/', StringComparison.Ordinal)
            ? $"{Repository}{revision}"
            : $"{Prefix}{Repository}{(File is null ? "" : $"/{File}")}{revision}";
    }

    private static (string Path, string Revision) Cut(string text) =>
        text.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? (text[..at], text[(at + 1)..]) : (text, DefaultRevision);

    private static bool IsWeights(string name) =>
        name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);

    private static bool IsRevision(string text) =>
        HubPath.IsSafe(text) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/' or '+' or '#')
            && !text.Contains("..", StringComparison.Ordinal) && text[0] != '-';

    /// <summary>The hub's own rule for names.</summary>
    private static bool IsName(string text) =>
        text.Length is > 0 and <= LongestName && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
            && text[0] is not ('.' or '-') && text[^1] is not ('.' or '-')
        && !text.Contains("--", StringComparison.Ordinal) && !text.Contains("..", StringComparison.Ordinal)
        && !text.EndsWith(".git", StringComparison.Ordinal);
}
