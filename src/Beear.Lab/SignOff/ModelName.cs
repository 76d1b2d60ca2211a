using Beear.Hub;

namespace Beear.Lab.SignOff;

/// <summary>The suspicious model as others can know it; a path of the machine that cleaned it tells them nothing.</summary>
/// <param name="Text">Owner and name on the hub, or the last part of a path. Foreign text.</param>
/// <param name="Hub">Where it is on the hub, at a commit; null if it did not come from there.</param>
internal sealed record ModelName(string Text, HubReference? Hub)
{
    /// <summary>The name in the evidence. Only models of the hub are named at a commit there.</summary>
    public static ModelName Of(Evidence evidence)
    {
        if (HubReference.TryParse(evidence.Model, out var hub) && hub.IsPinned) return new ModelName(hub.Repository, hub);
        string last = Path.GetFileName(Path.TrimEndingDirectorySeparator(evidence.Model));
        return new ModelName(last.Length == 0 ? evidence.Model : last, null);
    }
}
