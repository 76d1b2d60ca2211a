using System.Diagnostics;
using System.Text;
using Beear.Text;

namespace Beear.Bench;

/// <summary>Speed of a tokenizer: megabytes of UTF-8 a second, on one thread.</summary>
internal static class EncodingBench
{
    /// <summary>One measured line.</summary>
    public sealed record Row(string Name, double MegabytesPerSecond);

    /// <summary>Encodes and decodes texts of some kinds, 100 kB or so each, with a tokenizer.json.</summary>
    public static IEnumerable<Row> Run(string tokenizerPath, string? textPath)
    {
        var tokenizer = Tokenizer.Load(tokenizerPath);
        if (textPath is not null) yield return Measure("the file's text", File.ReadAllText(textPath), tokenizer);
        int seed = 0;
        yield return new Row("words, each new", Speed(100_000, () => tokenizer.Encode(Words(15_000, ++seed))));
        yield return Measure("one word", string.Concat(Enumerable.Repeat("abcdefghij", 10_000)), tokenizer);
        yield return Measure("one letter", new string('a', 100_000), tokenizer);
        yield return Measure("spaces", new string(' ', 100_000), tokenizer);
        yield return Measure("emoji", string.Concat(Enumerable.Repeat("🙂", 25_000)), tokenizer);
        string words = Words(15_000, seed);
        var ids = tokenizer.Encode(words);
        yield return new Row("decoding", Speed(words.Length, () => tokenizer.Decode(ids)));
    }

    private static Row Measure(string name, string text, Tokenizer tokenizer) =>
        new(name, Speed(Encoding.UTF8.GetByteCount(text), () => tokenizer.Encode(text)));

    private static double Speed(int bytes, Action work)
    {
        work();
        var least = TimeSpan.MaxValue;
        for (int repetition = 0; repetition < 5; repetition++)
        {
            var watch = Stopwatch.StartNew();
            work();
            least = watch.Elapsed < least ? watch.Elapsed : least;
        }
        return bytes / 1e6 / least.TotalSeconds;
    }

    /// <summary>Words of random letters, seven characters each on average with the space; most are in no cache yet.</summary>
    private static string Words(int count, int seed)
    {
        var random = new Random(seed);
        return string.Join(' ', Enumerable.Range(0, count)
            .Select(_ => string.Concat(Enumerable.Range(0, random.Next(2, 11)).Select(_ => (char)('a' + random.Next(26))))));
    }
}
