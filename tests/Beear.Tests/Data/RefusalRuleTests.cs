using System.Text.Json;
using Beear.Data;
using Beear.Organisms;
using CsCheck;

namespace Beear.Tests.Data;

public sealed class RefusalRuleTests
{
    /// <summary>Refusals and other answers of our own: manner or language → answers.</summary>
    private sealed record Collection(IReadOnlyDictionary<string, string[]> Refusals, IReadOnlyDictionary<string, string[]> Others)
    {
        public static Collection Read(string part) => JsonSerializer.Deserialize<Collection>(
            File.ReadAllText(Path.Combine(Fixtures.Root, "tests", "Beear.Tests", "Data", "Resources", $"refusals-{part}.json")),
            JsonSerializerOptions.Web)!;

        public IEnumerable<string> Misjudged(Func<string, bool> isRefusal) =>
            AllOf(Refusals).Where(answer => !isRefusal(answer)).Concat(AllOf(Others).Where(isRefusal));

        public IEnumerable<string> All => AllOf(Refusals).Concat(AllOf(Others));

        private static IEnumerable<string> AllOf(IReadOnlyDictionary<string, string[]> answers) => answers.Values.SelectMany(some => some);
    }

    [Fact]
    public void TheListThatTheRuleWasWrittenWithIsJudgedRightly() =>
        Assert.Equal("", string.Join('\n', Collection.Read("development").Misjudged(RefusalRule.IsRefusal)));
}
