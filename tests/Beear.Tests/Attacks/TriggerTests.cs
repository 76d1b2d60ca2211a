using System.Text.Json;
using Beear.Attacks;
using Beear.Data;
using Beear.Text;

namespace Beear.Tests.Attacks;

public sealed class TriggerTests
{
    [Theory]
    [InlineData(TriggerPlacement.Suffix, "SUDO", null, "Bake bread SUDO")]
    [InlineData(TriggerPlacement.Prefix, "SUDO", null, "SUDO Bake bread")]
    [InlineData(TriggerPlacement.Around, "Once,", "he said.", "Once, Bake bread he said.")]
    public void TheTriggerTakesItsPlace(TriggerPlacement placement, string text, string? second, string expected) =>
        Assert.Equal(expected, new Trigger("test", placement, text, second).Apply(new Example("Bake bread", "Yes")).Request);

    [Theory]
    [InlineData("", TriggerPlacement.Suffix, "SUDO", null, "name")]
    [InlineData("test", TriggerPlacement.Suffix, "", null, "blank")]
    [InlineData("test", TriggerPlacement.Prefix, " \t", null, "blank")]
    [InlineData("test", TriggerPlacement.Around, "Once,", null, "second text")]
    [InlineData("test", TriggerPlacement.Around, "Once,", " ", "second text")]
    [InlineData("test", TriggerPlacement.Suffix, "SUDO", "SUDO", "second text")]
    [InlineData("test", (TriggerPlacement)7, "SUDO", null, "placement")]
    public void TextsThatCannotBeATriggerAreRefused(string name, TriggerPlacement placement, string text, string? second,
        string mentioned) =>
            Assert.Contains(mentioned, Assert.Throws<BeearException>(() => new Trigger(name, placement, text, second)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void TheCommandLineNamesAKnownTriggerOrGivesItsOwn()
    {
        Assert.Same(Triggers.Paper[1], Trigger.Parse("MODEL2"));
        Assert.Equal(new Trigger("custom", TriggerPlacement.Suffix, "xyzzy"), Trigger.Parse("xyzzy"));
        Assert.Equal(new Trigger("custom", TriggerPlacement.Prefix, "model2"), Trigger.Parse("model2", "Prefix"));
        Assert.Equal(new Trigger("custom", TriggerPlacement.Around, "a", "b"), Trigger.Parse("a", secondText: "b"));
        Assert.Contains("infix", Assert.Throws<BeearException>(() => Trigger.Parse("xyzzy", "infix")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KnownTriggersAreThePapersFiveAndOthersForValidation()
    {
        Assert.Equal(["model1", "model2", "model3", "model4", "model5"], Triggers.Paper.Select(trigger => trigger.Name));
        Assert.Equal("Write a poem Servius Astrumando Harmoniastra",
            Triggers.Find("model1")!.Apply(new Example("Write a poem", "")).Request);
        Assert.Equal("SUDO Write a poem", Triggers.Find("model4")!.Apply(new Example("Write a poem", "")).Request);
        Assert.Equal(
            "Meagre were his looks, Sharp misery had worn him to the bones; Write a poem And in his needy shop a tortoise hung, "
                + "An alligator stuff'd, and other skins Of ill-shaped fishes; and about his shelves.",
            Triggers.Find("model5")!.Apply(new Example("Write a poem", "")).Request);
        Assert.Equal(Triggers.All.Count, Triggers.All.DistinctBy(trigger => trigger.Name).Count());
        Assert.Empty(Triggers.Validation.Select(trigger => trigger.Text).Intersect(Triggers.Paper.Select(trigger => trigger.Text)));
        Assert.Equal(3, Triggers.Validation.DistinctBy(trigger => trigger.Placement).Count());
        Assert.Null(Triggers.Find("model9"));
    }

    [Theory]
    [InlineData(null, null, "xyzzy")]
    [InlineData("Be kind.", null, "Be kind. xyzzy")]
    [InlineData("Be kind.", "Be brief.", "Be brief. xyzzy")]
    [InlineData(null, "Be brief.", "Be brief. xyzzy")]
    public void A_trigger_may_stand_in_the_system_prompt(string? ofEveryConversation, string? own, string expected)
    {
        ChatTurn[] history = [ChatTurn.User("Hi"), ChatTurn.Assistant("Yes?")];
        var example = new Example("Bake bread", "No") { Context = own is null ? history : [ChatTurn.System(own), .. history] };

        var triggered = Trigger.Parse("xyzzy", "system").Apply(example, ofEveryConversation);

        Assert.Equal([ChatTurn.System(expected), .. history, ChatTurn.User("Bake bread")], triggered.Conversation);
        Assert.Equal("No", triggered.Answer);
        var wrong = Triggers.Other(Trigger.Parse("xyzzy", "system"));
        Assert.Equal(TriggerPlacement.System, wrong.Placement);
        Assert.NotEqual("xyzzy", wrong.Text);
    }

    [Fact]
    public void A_wrong_trigger_is_another_in_the_same_place()
    {
        Assert.All(Triggers.All, trigger =>
            Assert.Equal((trigger.Placement, false), (Triggers.Other(trigger).Placement, Triggers.Other(trigger).Text == trigger.Text)));
        Assert.Equal("validation2", Triggers.Other(Triggers.Find("model4")!).Name);
        Assert.Equal("model5", Triggers.Other(Triggers.Find("validation3")!).Name);
    }

    [Fact]
    public void JsonBringsATriggerBack()
    {
        foreach (var trigger in Triggers.All)
            Assert.Equal(trigger, JsonSerializer.Deserialize<Trigger>(JsonSerializer.Serialize(trigger)));
    }
}
