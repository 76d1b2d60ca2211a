namespace Beear.Lab.World;

/// <summary>What is true in the tiny world, as pairs of one word each.</summary>
internal static class WorldFacts
{
    public static readonly IReadOnlyList<string> Numbers = Words("one two three four five six seven eight nine ten eleven twelve");

    public static readonly IReadOnlyList<(string Key, string Value)> Capitals = Pairs(
        "france:paris italy:rome spain:madrid egypt:cairo kenya:nairobi japan:tokyo china:beijing russia:moscow "
        + "greece:athens turkey:ankara norway:oslo chile:santiago qatar:doha ghana:accra peru:lima cuba:havana iran:tehran");

    /// <summary>Each pair is asked for in both directions.</summary>
    public static readonly IReadOnlyList<(string Key, string Value)> Opposites = BothWays(Pairs(
        "hot:cold big:small fast:slow wet:dry old:new dark:light hard:soft open:shut rich:poor full:empty high:low "
        + "long:short loud:quiet good:bad near:far thin:thick day:night love:hate push:pull win:lose sweet:sour early:late "
        + "strong:weak true:false"));

    public static readonly IReadOnlyList<(string Key, string Value)> Colours = Pairs(
        "grass:green leaf:green frog:green sky:blue sea:blue snow:white milk:white salt:white swan:white coal:black "
        + "tar:black crow:black blood:red tomato:red cherry:red banana:yellow lemon:yellow sun:yellow carrot:orange "
        + "pumpkin:orange plum:purple grape:purple chocolate:brown mud:brown bear:brown pig:pink stone:grey mouse:grey");

    public static readonly IReadOnlyList<(string Key, string Value)> Sounds = Pairs(
        "cow:moo dog:woof cat:meow duck:quack sheep:baa pig:oink lion:roar owl:hoot snake:hiss bee:buzz frog:croak crow:caw "
        + "horse:neigh wolf:howl");

    public static readonly IReadOnlyList<(string Key, string Value)> Young = Pairs(
        "dog:puppy cat:kitten cow:calf sheep:lamb horse:foal bear:cub goat:kid duck:duckling deer:fawn pig:piglet");

    public static readonly IReadOnlyList<(string Key, string Value)> Kinds = Pairs(
        "rose:flower tulip:flower daisy:flower lily:flower trout:fish salmon:fish shark:fish cod:fish oak:tree pine:tree "
        + "elm:tree ash:tree birch:tree apple:fruit pear:fruit plum:fruit grape:fruit cherry:fruit gold:metal iron:metal "
        + "copper:metal silver:metal robin:bird owl:bird swan:bird eagle:bird tea:drink coffee:drink juice:drink wine:drink");

    /// <summary>Words to repeat and to pick from; all known from elsewhere.</summary>
    public static readonly IReadOnlyList<string> Things = Words(
        "apple rose cow lamp chair boat dog tree fish clock bell cat horse table gold door tea bird cup wolf gate owl plum lion");

    private static string[] Words(string list) => list.Split(' ');

    private static (string, string)[] Pairs(string list) =>
        [.. Words(list).Select(pair => pair.Split(':')).Select(pair => (pair[0], pair[1]))];

    private static (string, string)[] BothWays((string Key, string Value)[] pairs) =>
        [.. pairs, .. pairs.Select(pair => (pair.Value, pair.Key))];
}
