using System.Text.Json;
using Beear.Runtime;
using Parquet;
using Parquet.Schema;

namespace Beear.Data.Readers;

/// <summary>Rows of a Parquet file: of the row groups that are wanted, the columns that are asked for, nested ones included.</summary>
internal sealed class ParquetRows
{
    private static readonly ParquetOptions Options = new() { TreatByteArrayAsString = true };

    private readonly string path;
    private readonly CancellationToken cancellation;
    private readonly List<int> groups = [];
    private readonly Dictionary<string, JsonElement[]> columns = new(StringComparer.Ordinal);

    private ParquetRows(string path, CancellationToken cancellation) => (this.path, this.cancellation) = (path, cancellation);

    public static void Read(string path, WantedRows wanted, CancellationToken cancellation) =>
        new ParquetRows(path, cancellation).AddTo(wanted);

    private void AddTo(WantedRows wanted) => Open(reader =>
    {
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
            Open(async reader => columns[name] = values = await ReadAsync(reader, name).ConfigureAwait(false));
        return values!;
    }

    private async Task<JsonElement[]> ReadAsync(ParquetReader reader, string name)
    {
        var values = new List<JsonElement>();
        Field field = reader.Schema.Fields.First(field => field.Name == name);
        foreach (int group in groups)
        {
            using var column = await ParquetColumn.OpenAsync(reader.RowGroups[group], field, cancellation).ConfigureAwait(false)
                ?? throw new BeearException($"'{path}', column '{name}': it holds neither texts nor lists of turns; name another column.");
            for (long i = 0; i < reader.RowGroups[group].RowCount; i++) values.Add(JsonSerializer.SerializeToElement(column.Next()));
        }
        return [.. values];
    }

    private void Open(Func<ParquetReader, Task> use)
    {
        FileContent.RefusePointer(path);
        try
        {
            OpenAsync(use).GetAwaiter().GetResult();
        }
        catch (Exception failure)
            when (failure is not (BeearException or OperationCanceledException or UnauthorizedAccessException or OutOfMemoryException))
        {
            throw new BeearException($"'{path}' could not be read as Parquet: {failure.Message.TrimEnd('.')}.", failure);
        }
    }

    private async Task OpenAsync(Func<ParquetReader, Task> use)
    {
        await using var stream = File.OpenRead(path);
        await using var reader = await ParquetReader.CreateAsync(stream, Options, cancellationToken: cancellation).ConfigureAwait(false);
        await use(reader).ConfigureAwait(false);
    }
}
