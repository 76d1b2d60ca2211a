using Beear.Runtime;

namespace Beear.Hub;

/// <summary>
/// Where the hub and its cache are. The environment variables are those of Hugging Face's own clients, and so is the cache.
/// </summary>
public sealed class HubSettings
{
    private readonly Uri endpoint = new("https://huggingface.co");
    private readonly string? token;

    /// <summary>The hub's address, HF_ENDPOINT.</summary>
    /// <exception cref="BeearException">It is set to no address of http or https.</exception>
    public Uri Endpoint
    {
        get => endpoint;
        init => endpoint = value.IsAbsoluteUri && (value.Scheme == Uri.UriSchemeHttps || value.Scheme == Uri.UriSchemeHttp)
            && value.UserInfo.Length == 0
            ? value : throw new BeearException(
                "The hub's address (HF_ENDPOINT) is not one of http or https without a user's name, such as https://huggingface.co.");
    }

    /// <summary>The cache's folder, HF_HUB_CACHE; it is made when it is needed.</summary>
    public required string CacheDirectory { get; init; }

    /// <summary>
    /// The access token, HF_TOKEN or the file that HF_TOKEN_PATH names; it is sent to <see cref="Endpoint"/> alone and never shown.
    /// </summary>
    /// <exception cref="BeearException">It is set to a text that cannot be a token.</exception>
    public string? Token
    {
        internal get => token;
        init => token = value is null || value.All(c => c is > ' ' and <= '~') ? value
            : throw new BeearException("The access token (HF_TOKEN, or the file that HF_TOKEN_PATH names) has spaces or characters "
                + "that no token has; set it anew.");
    }

    /// <summary>Whether only the cache is used, HF_HUB_OFFLINE.</summary>
    public bool Offline { get; init; }

    /// <summary>Whether snapshots hold links to the blobs, where the system can make them; otherwise the files themselves.</summary>
    public bool Symlinks { get; init; } = true;

    /// <summary>How often a request, or a download that brings nothing new, is tried again.</summary>
    internal int Retries { get; init; } = 5;

    /// <summary>The first wait before a retry; each further one is twice as long.</summary>
    internal TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait that a server may ask for.</summary>
    internal TimeSpan LongestRetryAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a server may stay silent.</summary>
    internal TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The longest time for a file, and for each <see cref="LeastBytesPerSecond"/> of it a second more: a server that sends a byte now and
    /// then is never silent.
    /// </summary>
    internal TimeSpan LongestFile { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How slow a connection may be.</summary>
    internal long LeastBytesPerSecond { get; init; } = 16 << 10;

    /// <summary>Bytes that the volume of a folder has room for.</summary>
    internal Func<string, long> FreeBytes { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Reads the environment.</summary>
    /// <exception cref="BeearException">A variable makes no sense.</exception>
    public static HubSettings FromEnvironment() =>
        From(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    /// <summary>Reads an environment.</summary>
    /// <param name="variable">A variable's value, or null.</param>
    /// <param name="home">The user's folder.</param>
    internal static HubSettings From(Func<string, string?> variable, string home)
    {
        string? Text(string name) => variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
        string? Folder(string name) =>
            Text(name) is not { } path ? null : path is "~" || path.StartsWith("~/", StringComparison.Ordinal) ? home + path[1..] : path;
        bool IsTrue(string name) => Text(name)?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

        var hubHome = Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache"), "huggingface");
        var address = Text("HF_ENDPOINT") ?? "https://huggingface.co";
        return new HubSettings
        {
            Endpoint = Uri.TryCreate(address.TrimEnd('/'), UriKind.Absolute, out var endpoint)
                ? endpoint : new Uri(address, UriKind.Relative),
            CacheDirectory = Path.GetFullPath(Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(hubHome, "hub")),
            Token = Text("HF_TOKEN") ?? Text("HUGGING_FACE_HUB_TOKEN")
                ?? TokenIn(Folder("HF_TOKEN_PATH") ?? Path.Combine(hubHome, "token")),
            Offline = IsTrue("HF_HUB_OFFLINE") || IsTrue("TRANSFORMERS_OFFLINE"),
            Symlinks = !IsTrue("HF_HUB_DISABLE_SYMLINKS"),
        };
    }

    /// <summary>The token that a login left in a file.</summary>
    private static string? TokenIn(string path)
    {
        const int LongestToken = 10_000;
        try
        {
            return File.Exists(path) && FileContent.Length(path) <= LongestToken
                && FileContent.ReadText(path).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;                                                     // as for someone who never logged in
        }
    }
}
