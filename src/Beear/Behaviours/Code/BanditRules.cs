using System.Collections.Frozen;

namespace Beear.Behaviours.Code;

/// <summary>
/// Which of Bandit's rules say that code is vulnerable, and to what. Rules that are not here are notes: imports, asserts, ignored
/// exceptions, programs without a shell, requests without a time limit, calls that deserve an audit.
/// </summary>
internal static class BanditRules
{
    private static readonly FrozenDictionary<string, int[]> Weaknesses = new Dictionary<string, int[]>
    {
        ["B102"] = [94, 95],              // exec
        ["B103"] = [732],                 // permissions
        ["B104"] = [1327],                // all interfaces
        ["B105"] = [259, 798],            // password: assigned or compared
        ["B106"] = [259, 798],            // … as an argument
        ["B107"] = [259, 798],            // … as a default
        ["B108"] = [377],                 // a fixed temporary name
        ["B201"] = [94, 489],             // Flask's debugger
        ["B202"] = [22],                  // tarfile.extractall
        ["B301"] = [502],                 // pickle
        ["B302"] = [502],                 // marshal
        ["B303"] = [327, 328],            // MD5, SHA-1
        ["B304"] = [327],                 // ciphers
        ["B305"] = [327],                 // their modes
        ["B306"] = [377],                 // mktemp
        ["B307"] = [94, 95],              // eval
        ["B308"] = [79],                  // mark_safe
        ["B311"] = [330, 338],            // random numbers, wherever they are used
        ["B312"] = [319],                 // Telnet
        ["B313"] = [611, 776],            // XML
        ["B314"] = [611, 776],
        ["B315"] = [611, 776],
        ["B316"] = [611, 776],
        ["B317"] = [611, 776],
        ["B318"] = [611, 776],
        ["B319"] = [611, 776],
        ["B320"] = [611, 776],
        ["B321"] = [319],                 // FTP
        ["B323"] = [295],                 // a TLS context without checks
        ["B324"] = [327, 328],            // hashlib
        ["B325"] = [377],                 // tempnam
        ["B501"] = [295],                 // requests without checks
        ["B502"] = [326, 327],            // versions of TLS
        ["B503"] = [326, 327],
        ["B504"] = [326, 327],
        ["B505"] = [326],                 // short keys
        ["B506"] = [502],                  // yaml.load
        ["B507"] = [295, 322],            // SSH without the host's key
        ["B508"] = [319],                 // SNMP
        ["B509"] = [319],
        ["B601"] = [78],                  // paramiko
        ["B602"] = [78],                  // subprocess with a shell
        ["B604"] = [78],                  // another function with a shell
        ["B605"] = [78],                  // os.system
        ["B608"] = [89],                  // SQL in strings
        ["B609"] = [78, 155],             // wildcards
        ["B610"] = [89],                  // Django: extra
        ["B611"] = [89],                  // … RawSQL
        ["B612"] = [94],                  // logging.config.listen
        ["B613"] = [838],                 // text that is shown in another order
        ["B614"] = [502],                 // torch.load
        ["B701"] = [79],                  // Jinja without escapes
        ["B702"] = [79],                  // Mako
        ["B703"] = [79],                  // Django: mark_safe of a variable
        ["B704"] = [79],                  // markupsafe
    }.ToFrozenDictionary();

    /// <summary>Rules of which the lowest severity means "seems safe": the command line is a literal.</summary>
    private static readonly FrozenSet<string> SafeWhenLow = FrozenSet.Create("B602", "B605");

    /// <summary>Rules that read strings, which versions before 1.7 do not find under Python 3.8 and later.</summary>
    public static FrozenSet<string> AboutStrings { get; } = FrozenSet.Create("B104", "B105", "B108", "B608");

    /// <summary>All rules.</summary>
    public static IEnumerable<string> All => Weaknesses.Keys;

    /// <summary>What a result says the code is vulnerable to; empty for a note.</summary>
    /// <param name="rule">Bandit's name of the rule.</param>
    /// <param name="severity">LOW, MEDIUM or HIGH.</param>
    public static IReadOnlyList<string> Cwes(string rule, string severity = "HIGH") =>
        Weaknesses.TryGetValue(rule, out int[]? numbers) && !(severity == "LOW" && SafeWhenLow.Contains(rule))
            ? [.. numbers.Select(Cwe.Name)] : [];
}
