using System.Buffers.Binary;
using System.Text;

namespace Beear.Runtime;

/// <summary>
/// The symbol-version tables of a 64-bit little-endian ELF library: which versions it defines, which it needs from others.
/// </summary>
/// <remarks>
/// LibTorchSharp 0.107 names the version GLIBCXX_3.4.32 although none of its relocations uses a symbol of it, so the loader of a
/// system with an older libstdc++ (Debian 12: 3.4.30) refuses the file. <see cref="WeakenNeeded"/> marks that one requirement as
/// weak, which is the ELF way to say "do not refuse because of this".
/// </remarks>
internal sealed class ElfSymbolVersions
{
    private const uint SectionVersionDefinitions = 0x6ffffffd;
    private const uint SectionVersionNeeds = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    private readonly byte[] image;

    private ElfSymbolVersions(byte[] image) => this.image = image;

    /// <summary>Reads the image of a library.</summary>
    /// <exception cref="BeearException">The bytes are not a 64-bit little-endian ELF file.</exception>
    public static ElfSymbolVersions Parse(byte[] image)
    {
        if (image.Length < 64 || !image.AsSpan(0, 4).SequenceEqual("\u007fELF"u8) || image[4] != 2 || image[5] != 1)
            throw new BeearException("The native library is not a 64-bit little-endian ELF file; reinstall the TorchSharp package.");
        return new ElfSymbolVersions(image);
    }

    /// <summary>The versions that this library defines, such as GLIBCXX_3.4.30.</summary>
    public IReadOnlySet<string> Defined()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (offset, strings, _) in Sections(SectionVersionDefinitions))
        {
            for (int entry = offset; ;)
            {
                int auxiliary = entry + (int)U32(entry + 12);           // vd_aux; the first one is the version's own name
                names.Add(Text(strings + (int)U32(auxiliary)));
                int next = (int)U32(entry + 16);                         // vd_next
                if (next == 0) break;
                entry += next;
            }
        }
        return names;
    }

    /// <summary>The versions that this library strongly needs, as (library, version).</summary>
    public IReadOnlyList<(string Library, string Version)> Needed() =>
        [.. NeededEntries().Where(e => (U16(e.Offset + 4) & WeakFlag) == 0).Select(e => (e.Library, e.Version))];

    /// <summary>Marks the needs of <paramref name="version"/> as weak; returns how many entries were changed.</summary>
    public int WeakenNeeded(string library, string version)
    {
        int changed = 0;
        foreach (var entry in NeededEntries().Where(e => e.Library == library && e.Version == version).ToList())
        {
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(entry.Offset + 4), (ushort)(U16(entry.Offset + 4) | WeakFlag));
            changed++;
        }
        return changed;
    }

    private IEnumerable<(int Offset, string Library, string Version)> NeededEntries()
    {
        foreach (var (offset, strings, _) in Sections(SectionVersionNeeds))
        {
            for (int need = offset; ;)
            {
                int count = U16(need + 2);                               // vn_cnt
                string library = Text(strings + (int)U32(need + 4));     // vn_file
                int auxiliary = need + (int)U32(need + 8);               // vn_aux
                for (int i = 0; i < count; i++)
                {
                    yield return (auxiliary, library, Text(strings + (int)U32(auxiliary + 8)));   // vna_name
                    auxiliary += (int)U32(auxiliary + 12);               // vna_next
                }
                int next = (int)U32(need + 12);                          // vn_next
                if (next == 0) break;
                need += next;
            }
        }
    }

    private IEnumerable<(int Offset, int Strings, int Size)> Sections(uint type)
    {
        int table = (int)U64(40), entrySize = U16(58), count = U16(60);
        for (int i = 0; i < count; i++)
        {
            int header = table + i * entrySize;
            if (U32(header + 4) != type) continue;
            int linked = table + (int)U32(header + 40) * entrySize;      // sh_link: the string table
            yield return ((int)U64(header + 24), (int)U64(linked + 24), (int)U64(header + 32));
        }
    }

    private ushort U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(offset));

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(offset));

    private ulong U64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(offset));

    private string Text(int offset)
    {
        int end = Array.IndexOf(image, (byte)0, offset);
        return Encoding.ASCII.GetString(image, offset, end - offset);
    }
}
