using System.Text.Json;
using Beear.Runtime;
using Parquet;
using Parquet.Schema;

namespace Beear.Data.Readers;

/// <summary>Rows of a Parquet file: of the row groups that are wanted, the columns that are asked for, nested ones included.</summary>
internal sealed class ParquetRows
{
    private static readonly ParquetOptions Options = new() { TreatByteArrayAsString = true };

    private const double BytesPerSecond = 1 << 20; // far less than any machine reads
    private static readonly TimeSpan LeastTime = TimeSpan.FromSeconds(8);

    private readonly string path;
    private readonly CancellationToken cancellation;
    private readonly List<int> groups = [];
    private readonly Dictionary<string, JsonElement[]> columns = new(StringComparer.Ordinal);

    private ParquetRows(string path, CancellationToken cancellation) => (this.path, this.cancellation) = (path, cancellation);

    public static void Read(string path, WantedRows wanted, CancellationToken cancellation) =>
        new ParquetRows(path, cancellation).AddTo(wanted);

    private void AddTo(WantedRows wanted) => Open((reader, limits) =>
    {
        limits.RequireRows(reader.RowGroups.Sum(group => Math.Max(group.RowCount, 0)));
        string[] names = [.. reader.Schema.Fields.Select(field => field.Name)];
        int first = 0, read = 0;       // rows before this row group: in the file, and in the groups that are read
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            int count = checked((int)reader.RowGroups[i].RowCount), before = first;
            first += count;
            if (count == 0 || !wanted.Wants(count)) continue;
            groups.Add(i);
            for (var row = 0; row < count; row++)
            {
                int index = read + row, place = before + row;
                if (wanted.Wants()) wanted.Add(new DataRow(names, name => Column(name)[index], path, $"row {place}"));
            }
            read += count;
        }
        return Task.CompletedTask;
    });

    private JsonElement[] Column(string name)
    {
        if (!columns.TryGetValue(name, out var values))
            Open(async (reader, limits) => columns[name] = values = await ReadAsync(reader, limits, name).ConfigureAwait(false));
        return values!;
    }

    private async Task<JsonElement[]> ReadAsync(ParquetReader reader, ParquetLimits limits, string name)
    {
        var values = new List<JsonElement>();
        var characters = new ParquetCharacters(limits.MostCharacters);
        Field field = reader.Schema.Fields.First(field => field.Name == name);
        foreach (int group in groups)
        {
            using var column = await ParquetColumn.OpenAsync(reader.RowGroups[group], field, limits, characters, cancellation)
                .ConfigureAwait(false)
                ?? throw new BeearException($"'{path}', column '{name}': it holds neither texts nor lists of turns; name another column.");
            for (long i = 0; i < reader.RowGroups[group].RowCount; i++) values.Add(JsonSerializer.SerializeToElement(column.Next()));
        }
        return [.. values];
    }

    private void Open(Func<ParquetReader, ParquetLimits, Task> use)
    {
        try
        {
            if (FileContent.Length(path) == 0) throw new InvalidDataException("it is empty, or no ordinary file");
            FileContent.RefusePointer(path);
            var limit = LeastTime + TimeSpan.FromSeconds(FileContent.Length(path) / BytesPerSecond);
            TimeLimit.Run(limit, stop => OpenAsync(use, stop).GetAwaiter().GetResult(), cancellation);
        }
        catch (Exception failure) when (failure is not (BeearException or UnauthorizedAccessException or OperationCanceledException))
        {
            string reason = failure is OutOfMemoryException ? "it asks for more memory than there is" : failure.Reason();
            throw new BeearException($"'{path}' could not be read as Parquet: {reason}.", failure);
        }
    }

    private async Task OpenAsync(Func<ParquetReader, ParquetLimits, Task> use, CancellationToken stop)
    {
        await using var file = File.OpenRead(path);
        var limits = new ParquetLimits(file);
        await using var stream = new EndingStream(file, stop);
        await using var reader = await ParquetReader.CreateAsync(stream, Options, cancellationToken: stop).ConfigureAwait(false);
        await use(reader, limits).ConfigureAwait(false);
    }
}
