using System.Text.Json.Nodes;
using Beear.Checkpoints.Signing;
using Beear.Runtime;
using Beear.Tests.Cli;

namespace Beear.Tests.Checkpoints.Signing;

/// <summary>What <c>sign</c> covers, what it writes, and what it refuses.</summary>
public sealed class SigningTests : IDisposable
{
    private readonly SignedModel model = new();

    public void Dispose() => model.Dispose();

    private string[] Names(string? signature = null) => [.. SignedModel.Statement(SignedModel.Bundle(signature ?? model.Signature))
        ["predicate"]!["resources"]!.AsArray().Select(one => (string)one!["name"]!)];

    private string[] IgnoredPaths(string? signature = null) => [.. SignedModel.Statement(SignedModel.Bundle(signature ?? model.Signature))
        ["predicate"]!["serialization"]!["ignore_paths"]!.AsArray().Select(path => (string)path!)];

    [Fact]
    public void One_line_says_what_was_signed_and_one_that_it_is_verified()
    {
        var signed = model.Sign();
        Assert.Equal((0, ""), (signed.Code, signed.Error));
        Assert.Matches($"^signed 5 files of '{model.Folder}', root digest [0-9a-f]{{64}}, key [0-9a-f]{{64}}, in '{model.Signature}'"
            + @"\r?\n$", signed.Output);
        var verified = model.Verify();
        Assert.Equal((0, ""), (verified.Code, verified.Error));
        Assert.Matches($"^verified 5 files of '{model.Folder}', root digest [0-9a-f]{{64}}, key [0-9a-f]{{64}}\\r?\\n$", verified.Output);
        Assert.Equal([".hidden", "config.json", "empty", "model.safetensors", "tokenizer/vocab.txt"], Names());
        Assert.Equal(["model.sig", ".git", ".gitattributes", ".github", ".gitignore"], IgnoredPaths());
    }

    [Fact]
    public void The_documents_say_the_same()
    {
        var signed = JsonNode.Parse(model.Sign("--json").Output)!;
        var verified = JsonNode.Parse(model.Verify("--json").Output)!;

        Assert.Equal((5, model.Signature), ((int)signed["files"]!, (string)signed["signature"]!));
        foreach (string key in (string[])["files", "root_digest", "key_hint"])
            Assert.Equal(signed[key]!.ToJsonString(), verified[key]!.ToJsonString());
        Assert.True((bool)verified["verified"]!);

        model.Add("config.json", "[]");
        var run = model.Verify("--json");
        Assert.Equal(1, run.Code);
        Assert.False((bool)JsonNode.Parse(run.Output)!["verified"]!);
        Assert.Contains("changed: 'config.json'", (string)JsonNode.Parse(run.Output)!["problem"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_signed_again_and_again()
    {
        model.Sign();
        model.Add("config.json", "[1]");
        Assert.Equal(1, model.Verify().Code);
        Assert.Equal(0, model.Sign().Code);
        Assert.Equal(0, model.Verify().Code);
        Assert.Equal(5, Names().Length);
    }

    [Fact]
    public void A_signature_may_lie_elsewhere()
    {
        string signature = model.Beside("a.sig");
        Assert.Equal(0, model.Sign("--signature", signature).Code);
        Assert.False(File.Exists(model.Signature));
        Assert.Equal([".git", ".gitattributes", ".github", ".gitignore"], IgnoredPaths(signature));
        Assert.Equal(0, model.Verify("--signature", signature).Code);

        File.Copy(signature, model.In("b.sig"));
        Assert.Equal(0, model.Verify("--signature", model.In("b.sig")).Code);                    // it covers itself in no case
        Assert.Equal(1, model.Verify("--signature", signature).Code);
    }

    [Fact]
    public void What_is_ignored_is_not_covered_and_verify_says_so()
    {
        foreach (string name in (string[])["README.md", "logs/a.txt", "logs/b/c.txt", ".git/HEAD", ".gitattributes", "sub/.git/HEAD",
            "logs2"]) model.Add(name, name);
        var run = model.Sign("--ignore", "README.md", "--ignore", "./logs/", "--ignore", "later");
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(["model.sig", "README.md", "logs", "later", ".git", ".gitattributes", ".github", ".gitignore"], IgnoredPaths());
        Assert.Equal([".hidden", "config.json", "empty", "logs2", "model.safetensors", "sub/.git/HEAD", "tokenizer/vocab.txt"], Names());

        model.Add("logs/d.txt", "new");
        model.Add("later", "new");
        run = model.Verify();
        Assert.Equal(0, run.Code);
        Assert.EndsWith("; not covered: '.git', '.gitattributes', 'README.md' and 2 more", run.Output.TrimEnd(), StringComparison.Ordinal);
        model.Add("sub/.git/HEAD", "new");
        Assert.Contains("(changed: 'sub/.git/HEAD')", model.Verify().Error, StringComparison.Ordinal);
    }

    /// <summary>The order in which the reference hashes the digests: by the parts of the paths, and these by their characters.</summary>
    [Fact]
    public void Files_are_in_the_references_order()
    {
        string[] expected = ["a/x", "a b", "a-b/x", "a.txt", "d/Zed", "d/_z", "d/e/f+g&'", "d/é", "ﬀ", "𐀀"];
        string[] mixed = [.. expected.Order(StringComparer.Ordinal)];

        Assert.NotEqual(expected, mixed);
        Assert.Equal(expected, mixed.Order(ManifestPath.Order));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/etc/passwd")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("a//b")]
    public void Only_what_is_in_the_folder_can_be_ignored(string path) =>
        Refused(model.Sign("--ignore", path), $"--ignore: '{path}' is not the path of something in");

    [Fact]
    public void A_link_is_refused_by_its_name_unless_it_is_ignored()
    {
        File.CreateSymbolicLink(model.In("tokenizer/link"), model.In("config.json"));
        Refused(model.Sign(), "'tokenizer/link' is a symbolic link");
        Assert.False(File.Exists(model.Signature));
        Assert.Equal(0, model.Sign("--ignore", "tokenizer/link").Code);

        Directory.CreateSymbolicLink(model.In("folder"), model.In("tokenizer"));
        Refused(model.Sign("--ignore", "tokenizer/link"), "'folder' is a symbolic link");
    }

    [Fact]
    public void A_pipe_is_refused_and_not_waited_for()
    {
        Shell($"mkfifo '{model.In("pipe")}'");
        Refused(model.Sign(), "'pipe' is a pipe, a socket or a device");
    }

    [Fact]
    public void Names_that_cannot_be_written_are_refused()
    {
        Shell($"touch '{model.Folder}'/$(printf 'a\\377')");
        Refused(model.Sign(), "has a name that a signature cannot hold everywhere");
        Shell($"rm '{model.Folder}'/a*; touch '{model.In("a\\b")}'");
        Refused(model.Sign(), @"'a\b' has a name that a signature cannot hold everywhere");
    }

    [Fact]
    public void Paths_that_are_wrong_are_said()
    {
        Refused(CliRun.Of("sign", model.Beside("nowhere"), "--key", model.PrivateKey), "There is no folder");
        Refused(CliRun.Of("sign", model.In("config.json"), "--key", model.PrivateKey), "is a file; name the folder of a model");
        Refused(model.Sign("--signature", model.Beside("no/where.sig")), "its directory does not exist");
        Refused(model.Sign("--signature", model.In("tokenizer")), "is a directory; name a file");
        Directory.CreateDirectory(model.Beside("none"));
        Refused(CliRun.Of("sign", model.Beside("none"), "--key", model.PrivateKey), "There are no files to sign");
        File.WriteAllText(model.Beside("none/a"), "");
        Assert.StartsWith("signed 1 file of ", CliRun.Of("sign", model.Beside("none"), "--key", model.PrivateKey).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_signature_takes_no_other_files_place()
    {
        Refused(model.Sign("--signature", model.In("model.safetensors")), "exists and is no signature");
        Assert.Equal("weights", File.ReadAllText(model.In("model.safetensors")));

        File.WriteAllText(model.Beside("made"), "");                                             // as mktemp makes one
        Assert.Equal(0, model.Sign("--signature", model.Beside("made")).Code);
    }

    [Fact]
    public void What_a_killed_process_left_is_not_signed()
    {
        model.Add($".model.sig.{Guid.NewGuid():N}", "half");
        Assert.Equal(0, model.Sign().Code);
        Assert.Equal(5, Names().Length);
        Assert.Equal(0, model.Verify().Code);
    }

    [Fact]
    public void A_private_key_in_the_folder_is_warned_of()
    {
        File.Copy(model.PrivateKey, model.In("key.pem"));
        var run = CliRun.Of("sign", model.Folder, "--key", model.In("key.pem"));
        Assert.Equal(0, run.Code);
        Assert.Contains("lies in the folder; move it", run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelled_it_writes_nothing()
    {
        var run = CliRun.Of(["sign", model.Folder, "--key", model.PrivateKey], command: null,
            cancellation: new CancellationToken(canceled: true));
        Assert.Equal(130, run.Code);
        Assert.Equal(4, Directory.GetFiles(model.Folder).Length);
    }

    [Fact]
    public void A_large_file_is_hashed_piece_by_piece_and_its_progress_told()
    {
        const long Length = 150L << 20;
        using (var file = File.Create(model.In("large"))) file.SetLength(Length);
        using var key = SigningKey.Read(model.PrivateKey);
        var reports = new Reports();
        long before = GC.GetTotalAllocatedBytes(precise: true);

        FolderSigning.Sign(model.Folder, model.Signature, key, [], reports, TestContext.Current.CancellationToken);

        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 8 << 20);
        Assert.InRange(reports.Count, 3, 4);
        Assert.Equal(reports.OrderBy(report => report.Done), reports);
        Assert.Equal((reports[^1].Total, ProgressUnit.Bytes), (reports[^1].Done, reports[^1].Unit));
        Assert.InRange(reports[^1].Total, Length + 1, Length + 100);
    }

    private static void Refused(CliRun run, string expected)
    {
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    private static void Shell(string command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Such files are made by a shell of Linux.");
        using var process = System.Diagnostics.Process.Start("sh", ["-c", command]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private sealed class Reports : List<RunProgress>, IProgress<RunProgress>
    {
        public void Report(RunProgress value) => Add(value);
    }
}
