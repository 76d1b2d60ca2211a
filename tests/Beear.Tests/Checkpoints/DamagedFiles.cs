using CsCheck;

namespace Beear.Tests.Checkpoints;

/// <summary>Random damage to a file: reading it may only succeed, or end in one sentence.</summary>
internal static class DamagedFiles
{
    /// <summary>Changes up to <paramref name="most"/> bytes, a thousand times.</summary>
    /// <param name="whole">The sound file.</param>
    /// <param name="name">Its name.</param>
    /// <param name="read">Reads the damaged one.</param>
    /// <param name="most">Bytes that are changed at most.</param>
    public static void Read(byte[] whole, string name, Action<string> read, int most)
    {
        var path = Path.Combine(Fixtures.TemporaryFolder(), name);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, most].Sample(
            flips =>
            {
                var damaged = whole.ToArray();
                foreach (var (at, value) in flips) damaged[at] = value;
                File.WriteAllBytes(path, damaged);
                try
                {
                    read(path);
                }
                catch (BeearException)
                {
                    // One sentence: that is what is asked for.
                }
            },
            iter: 1000, threads: 1);
    }
}
