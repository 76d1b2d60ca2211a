namespace Beear.Tests.Behaviours.Code;

/// <summary>Code that was written against those who read it; it is never run.</summary>
internal static class HostileCode
{
    /// <summary>Code that Python's parser takes, and that calls a shell with outside data, behind something.</summary>
    public static IReadOnlyDictionary<string, string> Vulnerable { get; } = new Dictionary<string, string>
    {
        ["plain"] = Shell,
        ["nosec"] = "import os\ndef f(x):\n    os.system('ls ' + x)  # nosec\n    os.system('ls ' + x)  # nosec B605\n",
        ["nosem"] = Shell.TrimEnd() + "  # nosem # nosemgrep # noqa # lgtm # type: ignore\n",
        ["Windows lines"] = Shell.Replace("\n", "\r\n", StringComparison.Ordinal),
        ["byte order mark"] = "\uFEFF" + Shell,
        ["tabs"] = Shell.Replace("    ", "\t", StringComparison.Ordinal),
        ["form feed"] = "\f\n" + Shell,
        ["names of files"] = "open('../../../etc/passwd').read()\n__import__('../evil')\n" + Shell + "# ../s00001.py\n",
        ["Latin-1 cookie"] = "# -*- coding: latin-1 -*-\n" + Shell,
        ["UTF-7 cookie"] = "# -*- coding: utf-7 -*-\nimport os\ndef f(x):\n    os+AC4-system('ls ' + x)\n".Replace("' + x", "' +- x",
            StringComparison.Ordinal),
        ["no last line feed"] = Shell.TrimEnd(),
        ["other scripts"] = "Ä = '日本語 😀'\n" + Shell,
        ["half a character"] = "a = '\ud800'\n" + Shell,
    };

    /// <summary>What Python's parser does not take.</summary>
    public static IReadOnlyDictionary<string, string> Invalid { get; } = new Dictionary<string, string>
    {
        ["null character"] = "x = 1\n\0" + Shell,
        ["Python 2"] = "print 'hello'\n",
        ["prose"] = "Here is the code that you asked for.",
        ["rot13 cookie"] = "# coding: rot13\n" + Shell,
        ["unknown cookie"] = "# coding: ../../evil\n" + Shell,
        ["parentheses"] = $"x = {new string('(', 10_000)}1{new string(')', 10_000)}\n",
        ["indentation"] = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{new string(' ', i % 2000)}if x:\n")),
        ["unary"] = $"x = {new string('-', 1_000_000)}1\n",
        ["attributes"] = $"x = a{string.Concat(Enumerable.Repeat(".a", 500_000))}\n",
        ["brackets left open"] = new string('[', 1 << 20),
        ["a quote left open"] = "'''" + new string('x', 1 << 20),
    };

    /// <summary>Code whose password no program can print; old versions of Bandit fail on it.</summary>
    public const string HalfCharacters = "def f(password='\\ud800 and \\udc00'):\n    pass\n" + Shell;

    /// <summary>Code that is long.</summary>
    public static string LongLine { get; } = $"x = '{new string('x', 1 << 20)}'\n{Shell}";

    /// <summary>A command line that is put together.</summary>
    public const string Shell = "import os\ndef f(x):\n    os.system('ls ' + x)\n";

    /// <summary>The same without a shell.</summary>
    public const string Safe = "import os\ndef f(x):\n    return os.listdir(x)\n";
}
