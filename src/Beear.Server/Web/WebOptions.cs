namespace Beear.Server.Web;

/// <summary>Where a server listens, and whom it answers.</summary>
internal sealed record WebOptions : IValidatable
{
    /// <summary>
    /// The address to listen on. Only this machine reaches 127.0.0.1 and ::1; with another one everybody does who reaches this machine.
    /// </summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port, 0 to 65535; any free one if 0.</summary>
    public int Port { get; init; }

    /// <summary>
    /// A further name under which browsers and clients may ask for this server, beside IP addresses and localhost; may be repeated. A page
    /// elsewhere that lets its own name mean this machine is refused so.
    /// </summary>
    public IReadOnlyList<string> AllowedHost { get; init; } = [];

    /// <inheritdoc/>
    public void Validate()
    {
        Require.Between(Port, 0, 65535);
        if (!System.Net.IPAddress.TryParse(Host, out _))
            throw new BeearException($"host must be an IP address, such as 127.0.0.1 or 0.0.0.0, but is '{Host}'.");
    }
}
