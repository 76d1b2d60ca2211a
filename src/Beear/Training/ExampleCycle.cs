namespace Beear.Training;

/// <summary>Draws batches from a list without end: every element once in a shuffled order, then again in another.</summary>
/// <typeparam name="T">What is drawn.</typeparam>
/// <param name="items">Not empty.</param>
/// <param name="seed">Decides all orders.</param>
internal sealed class ExampleCycle<T>(IReadOnlyList<T> items, int seed)
{
    private readonly Random random = new(seed);
    private readonly T[] order = [.. items];
    private int next = int.MaxValue;

    /// <summary>The next elements.</summary>
    /// <param name="count">How many; at least 1.</param>
    public IReadOnlyList<T> Take(int count)
    {
        var taken = new T[count];
        for (int i = 0; i < count; i++)
        {
            if (next >= order.Length)
            {
                random.Shuffle(order);
                next = 0;
            }
            taken[i] = order[next++];
        }
        return taken;
    }
}
