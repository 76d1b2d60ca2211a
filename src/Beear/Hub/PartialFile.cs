using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Beear.Hub;

/// <summary>A download under way: the bytes so far in a file whose name ends in .incomplete, and their hash, kept as they come.</summary>
internal sealed class PartialFile : IDisposable
{
    private const int Chunk = 1 << 20;
    private readonly FileStream stream;
    private readonly HubFile file;
    private IncrementalHash hash;

    private PartialFile(FileStream stream, HubFile file)
    {
        this.stream = stream;
        this.file = file;
        hash = StartHash();
    }

    /// <summary>Bytes so far.</summary>
    public long Length => stream.Length;

    /// <summary>The entity tag that they came under in this run, if it serves to ask for the rest of the same.</summary>
    public EntityTagHeaderValue? Tag { get; set; }

    /// <summary>Opens what an earlier download left, and hashes it; or begins.</summary>
    public static async Task<PartialFile> OpenAsync(string path, HubFile file, CancellationToken cancellation)
    {
        var partial = new PartialFile(
            new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, Chunk, FileOptions.Asynchronous), file);
        try
        {
            if (partial.Length > file.Size) partial.Restart();
            var buffer = new byte[Chunk];
            while (await partial.stream.ReadAsync(buffer, cancellation) is > 0 and var count) partial.hash.AppendData(buffer, 0, count);
            return partial;
        }
        catch
        {
            partial.Dispose();
            throw;
        }
    }

    /// <summary>Adds bytes.</summary>
    /// <exception cref="BeearException">The disk is full, or refuses them.</exception>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        try
        {
            await stream.WriteAsync(bytes, cancellation);
        }
        catch (IOException failure)
        {
            throw new BeearException($"'{stream.Name}' cannot be written: {failure.Reason()}; what has come so far is kept.", failure);
        }
        hash.AppendData(bytes.Span);
    }

    /// <summary>Forgets all bytes.</summary>
    public void Restart()
    {
        stream.SetLength(0);
        hash.Dispose();
        hash = StartHash();
    }

    /// <summary>Brings the bytes to the disk and compares their hash with the one that they are to have.</summary>
    public bool IsIntact()
    {
        stream.Flush(flushToDisk: true);
        return Length == file.Size && Convert.ToHexStringLower(hash.GetCurrentHash()) == file.Hash;
    }

    /// <summary>Closes the file, and keeps it.</summary>
    public void Dispose()
    {
        hash.Dispose();
        stream.Dispose();
    }

    private IncrementalHash StartHash()
    {
        if (file.Sha256 is not null) return IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Git's hash of a file; it is what the hub names these files by.
        var git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        git.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {file.Size}\0")));
        return git;
    }
}
