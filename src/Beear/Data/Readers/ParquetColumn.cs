using System.Globalization;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace Beear.Data.Readers;

/// <summary>
/// One column of one row group, put together from its leaves (Dremel's levels): texts, numbers and truth values, in lists and structs.
/// Parts of other types, such as maps and decimals, are left out.
/// </summary>
internal sealed class ParquetColumn : IDisposable
{
    private readonly Field field;
    private readonly Dictionary<Field, Leaf> leaves = new(ReferenceEqualityComparer.Instance);

    private ParquetColumn(Field field) => this.field = field;

    /// <summary>Reads the column's leaves; null if it has none that can be read.</summary>
    public static async Task<ParquetColumn?> OpenAsync(
        ParquetRowGroupReader group, Field field, ParquetLimits limits, ParquetCharacters characters, CancellationToken cancellation)
    {
        var column = new ParquetColumn(field);
        foreach (var part in LeavesOf(field).Where(part => Leaf.CanRead(part.ClrType)))
        {
            limits.RequirePages(group.GetMetadata(part)?.MetaData
                ?? throw new InvalidDataException($"the column '{part.Name}' has no data"));
            column.leaves.Add(part, new Leaf(part, characters,
                await group.ReadRawColumnDataBaseAsync(part, cancellation).ConfigureAwait(false)));
        }
        return column.leaves.Count == 0 ? null : column;
    }

    /// <summary>The next row's value: null, a text, a number, a truth value, a list or a dictionary.</summary>
    public object? Next() => Next(field);

    public void Dispose()
    {
        foreach (var leaf in leaves.Values) leaf.Dispose();
    }

    private object? Next(Field part) => part switch
    {
        ListField { Item: DataField { IsArray: true } item } => Next(item),     // the old layout without a group around the items
        ListField list => Items(list, list.Item),
        DataField { IsArray: true } repeated => Items(repeated, null),
        StructField structure => Fields(structure),
        _ => leaves[part].Take(),
    };

    private List<object?>? Items(Field list, Field? item)
    {
        var leaf = First(list);
        if (leaf.Definition < list.MaxDefinitionLevel)
        {
            var isEmpty = item is null || leaf.Definition == list.MaxDefinitionLevel - 1;
            Skip(list);
            return isEmpty ? [] : null;
        }
        var items = new List<object?>();
        do items.Add(item is null ? leaf.Take() : Next(item));
        while (leaf.Repetition == list.MaxRepetitionLevel);
        return items;
    }

    private Dictionary<string, object?>? Fields(StructField structure)
    {
        if (First(structure).Definition >= structure.MaxDefinitionLevel)
            return structure.Fields.Where(part => Read(part).Any()).ToDictionary(part => part.Name, Next, StringComparer.Ordinal);
        Skip(structure);
        return null;
    }

    private Leaf First(Field part) => Read(part).First();

    private void Skip(Field part)
    {
        foreach (var leaf in Read(part)) leaf.Take();
    }

    private IEnumerable<Leaf> Read(Field part) => LeavesOf(part).Where(leaves.ContainsKey).Select(leaf => leaves[leaf]);

    private static IEnumerable<DataField> LeavesOf(Field part) => part switch
    {
        DataField leaf => [leaf],
        ListField list => LeavesOf(list.Item),
        StructField structure => structure.Fields.SelectMany(LeavesOf),
        _ => [],
    };

    /// <summary>The values of a leaf with their levels, and where in them the reader stands.</summary>
    private sealed class Leaf(DataField part, ParquetCharacters characters, RawColumnData data) : IDisposable
    {
        private int entry, value;

        /// <summary>How much of the path to the next entry is there.</summary>
        public int Definition => part.MaxDefinitionLevel == 0 ? 0 : data.DefinitionLevels[entry];

        /// <summary>The innermost list that goes on with the next entry; −1 after the last.</summary>
        public int Repetition => part.MaxRepetitionLevel > 0 && entry < data.RepetitionLevels.Length ? data.RepetitionLevels[entry] : -1;

        public static bool CanRead(Type type) => type == typeof(ReadOnlyMemory<char>)
            || type == typeof(bool) || type == typeof(int) || type == typeof(long) || type == typeof(float) || type == typeof(double);

        public object? Take()
        {
            bool isThere = Definition == part.MaxDefinitionLevel;
            entry++;
            return isThere ? ValueAt(value++) : null;
        }

        public void Dispose() => data.Dispose();

        private object ValueAt(int index) => data switch
        {
            RawColumnData<ReadOnlyMemory<char>> texts => characters.Text(texts.Values[index].Span),
            RawColumnData<bool> truths => truths.Values[index],
            RawColumnData<int> numbers => numbers.Values[index],
            RawColumnData<long> numbers => numbers.Values[index],
            RawColumnData<float> numbers => Finite(numbers.Values[index]),
            _ => Finite(((RawColumnData<double>)data).Values[index]),
        };

        /// <summary>JSON has no NaN and no infinities.</summary>
        private static object Finite(double number) => double.IsFinite(number) ? number : number.ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>Counts the characters of a column's values: a text that a file holds once can stand in each of its rows.</summary>
/// <param name="most">How many there may be.</param>
internal sealed class ParquetCharacters(long most)
{
    private long left = most;

    /// <summary>A value.</summary>
    /// <exception cref="InvalidDataException">There are too many characters.</exception>
    public string Text(ReadOnlySpan<char> value) =>
        (left -= value.Length) >= 0 ? new string(value)
            : throw new InvalidDataException("the texts of a column have far more characters than it can hold");
}
