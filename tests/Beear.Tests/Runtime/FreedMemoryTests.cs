using Beear.Runtime;

namespace Beear.Tests.Runtime;

public sealed class FreedMemoryTests
{
    [Fact]
    public void Who_embeds_the_library_and_does_not_ask_keeps_the_C_librarys_ways() => Assert.False(FreedMemory.Settle());
}
