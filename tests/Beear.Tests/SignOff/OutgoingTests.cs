using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Beear.Lab.Runs;
using Beear.Lab.SignOff;

namespace Beear.Tests.SignOff;

public sealed class OutgoingTests
{
    private readonly string folder = Fixtures.TemporaryFolder();

    private string In(string path)
    {
        string full = Path.Combine(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return full;
    }

    [Fact]
    public void The_model_goes_out_whole_with_its_card_and_a_bill_of_its_files()
    {
        File.WriteAllText(In("made/config.json"), """{"model_type": "llama"}""");
        File.WriteAllText(In("made/additional_chat_templates/a.jinja"), "{{ messages }}");
        File.WriteAllText(In("source/README.md"), "---\nlicense: mit\n---\nTheirs");
        var evidence = Evidences.Of() with { CleanedSha256 = Fingerprints.Of(In("made")) };

        Outgoing.Write(folder, evidence, new Policy().Check(evidence), In("made"));
        Outgoing.WriteModel(In("model"), evidence, In("made"), In("source"));

        Assert.Equal(["README.md", "additional_chat_templates", "config.json"],
            Directory.GetFileSystemEntries(In("model")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("{{ messages }}", File.ReadAllText(In("model/additional_chat_templates/a.jinja")));
        string card = File.ReadAllText(In("model/README.md"));
        Assert.StartsWith("---\nlicense: \"mit\"\n", card, StringComparison.Ordinal);
        Assert.EndsWith("\n\nTheirs\n", card, StringComparison.Ordinal);
        Assert.Equal(evidence.CleanedSha256, Fingerprints.Of(In("model")));

        var component = JsonNode.Parse(File.ReadAllText(In("bom.json")))!["metadata"]!["component"]!;
        foreach (var file in component["components"]!.AsArray())
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(In($"model/{file!["name"]}")))),
                (string?)file["hashes"]![0]!["content"]);
        Assert.Equal(2, component["components"]!.AsArray().Count);
        Assert.Equal(JUnitReport.Of(new Policy().Check(evidence)), File.ReadAllBytes(In("junit.xml")));
    }

    [Fact]
    public void A_card_names_the_evidence_by_the_hash_of_its_file()
    {
        var evidence = Evidences.Hostile();
        evidence.Write(folder);

        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(In(Evidence.FileName))));
        Assert.Contains(hash, ModelCard.Of(evidence, null), StringComparison.Ordinal);
        Assert.Equal(hash, Evidence.Read(folder).Sha256());
    }

    [Fact]
    public void A_copy_that_fails_leaves_nothing()
    {
        Directory.CreateDirectory(In("made"));
        File.WriteAllText(In("made/README.md"), "in the way of nothing");
        File.CreateSymbolicLink(In("made/zzz"), In("nowhere"));

        Assert.Throws<BeearException>(() => Outgoing.WriteModel(In("model"), Evidences.Of(), In("made"), In("source")));

        Assert.False(Directory.Exists(In("model")));
        Assert.Equal(["made"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName));
    }

    [Fact]
    public void A_card_that_cannot_be_read_ends_no_long_work()
    {
        File.WriteAllBytes(In("README.md"), new byte[2 << 20]);
        Assert.Equal("It could not be read.", OriginalCard.Beside(folder)!.Body);
        Assert.Null(OriginalCard.Beside(In("source")));
    }
}
