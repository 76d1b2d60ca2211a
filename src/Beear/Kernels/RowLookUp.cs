using static TorchSharp.torch;

namespace Beear.Kernels;

/// <summary>
/// Rows of a table, in float32. Their gradients go to whoever asks for them: as the table's own they would be a tensor of its size that is
/// zero nearly everywhere.
/// </summary>
internal static class RowLookUp
{
    /// <summary>Looks rows up.</summary>
    /// <param name="table">(M, w): where the rows are read.</param>
    /// <param name="trained">Whether a gradient is needed is asked of this tensor: the table, or one that it is the master of.</param>
    /// <param name="rows">(N) int64: which rows, each any number of times.</param>
    /// <param name="receive">
    /// Gets <paramref name="rows"/> and their gradients, (N, w) float32, in backward; both are disposed afterwards.
    /// </param>
    /// <returns>(N, w) float32.</returns>
    public static Tensor Apply(Tensor table, Tensor trained, Tensor rows, Action<Tensor, Tensor> receive) =>
        Recording.IsNeeded(trained) ? Recorded.Record(trained, table, rows, receive) : Take(table, rows);

    private static Tensor Take(Tensor table, Tensor rows)
    {
        using var scope = NewDisposeScope();
        return table.index_select(0, rows).to(float32).MoveToOuterDisposeScope();
    }

    private sealed class Recorded : GradientFunction<Recorded>
    {
        protected override Tensor Forward(Recording recording, object[] arguments)
        {
            var rows = (Tensor)arguments[2];
            recording.Save(rows);
            recording.Data = arguments[3];
            return Take((Tensor)arguments[1], rows);
        }

        protected override Tensor?[] Backward(Recording recording, IReadOnlyList<Tensor> saved, Tensor gradient)
        {
            ((Action<Tensor, Tensor>)recording.Data!)(saved[0], gradient);
            return [null];
        }
    }
}
