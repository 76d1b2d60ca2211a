using Beear.Generation;
using CsCheck;

namespace Beear.Tests.Generation;

public class StopSequencesTests
{
    [Fact]
    public void Pieces_of_any_size_give_what_the_whole_text_gives() =>
        Gen.Select(Gen.String[Gen.Char["ab"], 0, 30], Gen.String[Gen.Char["ab"], 1, 4].Array[0, 3], Gen.Int[1, 5])
            .Sample((text, sequences, size) =>
        {
            var stops = new StopSequences(sequences);
            var shown = string.Concat(text.Chunk(size).Select(piece => stops.Append(new string(piece)))) + stops.Flush();

            var end = sequences.Select(sequence => text.IndexOf(sequence, StringComparison.Ordinal)).Where(at => at >= 0)
                .DefaultIfEmpty(text.Length).Min();
            Assert.Equal(text[..end], shown);
            Assert.Equal(end < text.Length, stops.Found);
        });

    [Fact]
    public void What_cannot_become_a_sequence_is_not_held_back()
    {
        var stops = new StopSequences(["###"]);
        Assert.Equal("one ", stops.Append("one #"));
        Assert.Equal("#x", stops.Append("x"));
        Assert.Equal("", stops.Append("##"));
        Assert.Equal("##", stops.Flush());
    }
}
