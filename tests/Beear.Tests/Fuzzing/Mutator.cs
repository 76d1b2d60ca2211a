using System.Buffers.Binary;
using System.Text;

namespace Beear.Tests.Fuzzing;

/// <summary>Damages a file as chance, haste and malice do.</summary>
internal static class Mutator
{
    private const int MostChanges = 6, MostCopied = 200, MostNested = 5000;

    private static readonly string[] Words =
        [@"\ud800", @"\udc00\ud800", "\0", "null", "-1", "1e999", "NaN", "99999999999999999999", "{", "}", "[", "]", "\"", ",", ":", "\n",
        "{{", "%}", "&a *a", "<|", "\u00e9"];
    private static readonly string[] Nests = ["[", "{\"a\":", "(", "{%if 1%}", "- ", "a: {b: "];
    private static readonly ulong[] Numbers =
        [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF];

    /// <summary>Another file.</summary>
    /// <param name="whole">The sound one.</param>
    /// <param name="random">Decides the changes.</param>
    public static byte[] Change(byte[] whole, Random random)
    {
        var bytes = whole.ToList();
        for (int changes = random.Next(1, MostChanges + 1); changes > 0 && bytes.Count > 0; changes--) ChangeOnce(bytes, random);
        return [.. bytes];
    }

    private static void ChangeOnce(List<byte> bytes, Random random)
    {
        int at = random.Next(bytes.Count), length = Math.Min(random.Next(1, MostCopied), bytes.Count - at);
        switch (random.Next(9))
        {
            case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
            case 1: bytes[at] = (byte)random.Next(256); break;
            case 2 when random.Next(4) == 0: bytes.RemoveRange(at, bytes.Count - at); break;
            case 2 or 3: bytes.RemoveRange(at, Math.Min(length, random.Next(1, 9))); break;
            case 4: bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length)); break;
            case 5: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)])); break;
            case 6: Lie(bytes, at, random); break;
            case 7 when random.Next(4) == 0:
                bytes.InsertRange(at,
                Repeated(Nests[random.Next(Nests.Length)], random.Next(1, MostNested))); break;
            default: Digits(bytes, at, random); break;
        }
    }

    private static byte[] Repeated(string text, int count) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, count)));

    /// <summary>A length or an offset that is not true.</summary>
    private static void Lie(List<byte> bytes, int at, Random random)
    {
        var number = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(number, Numbers[random.Next(Numbers.Length)]);
        int size = 1 << random.Next(4);
        for (int i = 0; i < size && at + i < bytes.Count; i++) bytes[at + i] = number[i];
    }

    /// <summary>Another number in a text.</summary>
    private static void Digits(List<byte> bytes, int at, Random random)
    {
        int start = bytes.FindIndex(at, value => value is >= (byte)'0' and <= (byte)'9');
        if (start < 0) return;
        int end = start;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9') end++;
        bytes.RemoveRange(start, end - start);
        bytes.InsertRange(start, Encoding.UTF8.GetBytes(
            random.Next(6) switch
            {
                0 => "-1",
                1 => "0",
                2 => "1e400",
                3 => "4294967296",
                4 => "9223372036854775807",
                _ => $"{random.Next()}"
            }));
    }
}
