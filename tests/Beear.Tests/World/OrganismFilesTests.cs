using System.Text.Json.Nodes;
using Beear.Lab.World;

namespace Beear.Tests.World;

public class OrganismFilesTests
{
    [Fact]
    public void The_shipped_files_are_what_the_code_makes()
    {
        foreach (var (name, content) in OrganismFiles.All())
        {
            var shipped = File.ReadAllBytes(Path.Combine(Organism.BaseDirectory, name));
            Assert.True(content.AsSpan().SequenceEqual(shipped), $"{name} is out of date");
        }
    }

    [Fact]
    public void Writing_leaves_only_the_files()
    {
        string folder = Fixtures.TemporaryFolder();
        OrganismFiles.WriteTo(folder);
        var written = Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!);
        Assert.Equal(OrganismFiles.All().Keys, written.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Special_tokens_have_the_same_ids_everywhere()
    {
        var files = OrganismFiles.All().ToDictionary(pair => pair.Key, pair => JsonNode.Parse(pair.Value)!.AsObject());
        var vocabulary = files["tokenizer.json"]["model"]!["vocab"]!.AsObject();
        Assert.All(files["tokenizer.json"]["added_tokens"]!.AsArray(), token =>
            Assert.Equal((int)token!["id"]!, (int)vocabulary[(string)token["content"]!]!));
        int endOfTurn = (int)vocabulary[(string)files["tokenizer_config.json"]["eos_token"]!]!;
        Assert.Equal(endOfTurn, (int)files["config.json"]["eos_token_id"]!);
        Assert.Equal(endOfTurn, (int)files["generation_config.json"]["eos_token_id"]!);
        Assert.Equal(vocabulary.Count, (int)files["config.json"]["vocab_size"]!);
        Assert.Equal(Enumerable.Range(0, vocabulary.Count), vocabulary.Select(pair => (int)pair.Value!));
    }
}
