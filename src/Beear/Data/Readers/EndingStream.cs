namespace Beear.Data.Readers;

/// <summary>A file that says when it is over: the Parquet library takes a missing byte for one of 0xFF, and reads on for ever.</summary>
/// <param name="file">The file; it stays its owner's.</param>
/// <param name="cancellation">Ends reading.</param>
internal sealed class EndingStream(FileStream file, CancellationToken cancellation) : Stream
{
    private const int MostPasses = 64; // how often all of the file may be read over: the library never comes near that
    private const long Free = 1 << 20;
    private readonly long length = file.Length;
    private long read;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    public override int ReadByte()
    {
        Count(1);
        return file.ReadByte() is >= 0 and var value ? value : throw new EndOfStreamException("it is cut off");
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int count = file.Read(buffer);
        Count(count);
        return count;
    }

    // Without another thread, so that a time limit holds for all of it.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Count(int bytes)
    {
        cancellation.ThrowIfCancellationRequested();
        read += bytes;
        if (read > Free + MostPasses * length) throw new InvalidDataException("its metadata runs in a circle");
    }
}
