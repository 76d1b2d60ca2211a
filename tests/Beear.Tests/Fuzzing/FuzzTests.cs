using System.Globalization;
using Beear.Runtime;

namespace Beear.Tests.Fuzzing;

/// <summary>These measure what is allocated, so no other test runs beside them.</summary>
[CollectionDefinition(nameof(FuzzTests), DisableParallelization = true)]
public sealed class FuzzTestsAlone;

/// <summary>
/// Whatever is in a file or an answer: it is read, or refused by a <see cref="BeearException"/>, within 10 seconds, and allocates no more
/// than ten times its size and 64 MB. Each day has other damage. BEEAR_FUZZ=100000 tries so many of each kind, BEEAR_FUZZ_SEED=739219
/// those of another day.
/// </summary>
[Collection(nameof(FuzzTests))]
public sealed class FuzzTests
{
    private const int Usual = 300, MostPerByte = 10;
    private const long MostAllocated = 64 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    private static readonly int Count = Number("BEEAR_FUZZ") ?? Usual;
    private static readonly int Day = Number("BEEAR_FUZZ_SEED") ?? DateTime.UtcNow.Subtract(DateTime.MinValue).Days;

    public static TheoryData<string> Kinds => [.. FuzzKinds.All.Keys];

    [Theory, MemberData(nameof(Kinds))]
    public void Damage_is_read_or_refused(string kind)
    {
        var (seeds, read) = FuzzKinds.All[kind];
        foreach (byte[] seed in seeds) read(seed); // sound as they are; and what is made once is made
        var random = new Random(Day);
        for (int i = 0; i < Count; i++)
        {
            byte[] damaged = Mutator.Change(seeds[random.Next(seeds.Count)], random);
            if (Fault(damaged, read) is not { } fault) continue;
            string path = Path.Combine(Path.GetTempPath(), $"beear-fuzz-{kind}-{Day}-{i}");
            File.WriteAllBytes(path, damaged);
            Assert.Fail($"{kind}, BEEAR_FUZZ_SEED={Day}, number {i} (kept as {path}): {fault}");
        }
    }

    private static string? Fault(byte[] damaged, Action<byte[]> read)
    {
        long before = GC.GetTotalAllocatedBytes();
        try
        {
            TimeLimit.Run(Longest, _ => read(damaged), TestContext.Current.CancellationToken);
        }
        catch (BeearException)
        {
            // One sentence: that is what is asked for.
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return failure.ToString();
        }
        long allocated = GC.GetTotalAllocatedBytes() - before;
        return allocated <= MostAllocated + MostPerByte * (long)damaged.Length
            ? null : $"{damaged.Length} bytes made it allocate {allocated}";
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number : null;
}
