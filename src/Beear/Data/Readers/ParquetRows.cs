using System.Text.Json;
using Beear.Runtime;
using Parquet;
using Parquet.Serialization;

namespace Beear.Data.Readers;

/// <summary>Rows of a Parquet file, nested columns included.</summary>
internal static class ParquetRows
{
    private static readonly ParquetOptions Options = new() { TreatByteArrayAsString = true };

    static ParquetRows() => ParquetOptions.PreferUntypedString = true;     // a setting of the whole process: text as string

    public static IReadOnlyList<DataRow> Read(string path, CancellationToken cancellationToken)
    {
        FileContent.RefusePointer(path);
        using var stream = File.OpenRead(path);
        try
        {
            var table = ParquetSerializer.DeserializeUntypedAsync(stream, Options, cancellationToken: cancellationToken)
                .GetAwaiter().GetResult();
            return [.. table.Data.Select((row, i) => new DataRow(JsonSerializer.SerializeToElement(row), path, $"row {i}"))];
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or UnauthorizedAccessException or OutOfMemoryException))
        {
            throw new BeearException($"'{path}' could not be read as Parquet: {failure.Message.TrimEnd('.')}.", failure);
        }
    }
}
