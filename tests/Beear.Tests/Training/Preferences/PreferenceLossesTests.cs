using System.Text.Json.Nodes;
using Beear.Training.Preferences;
using static TorchSharp.torch;

namespace Beear.Tests.Training.Preferences;

public class PreferenceLossesTests
{
    [Fact]
    public void The_reward_models_loss_is_the_references()
    {
        var json = JsonNode.Parse(File.ReadAllText(Fixtures.Parity("rlhf.json")))!["reward_model"]!.AsObject();
        using var scope = NewDisposeScope();
        var margins = Numbers("chosen") - Numbers("rejected");

        Assert.Equal(json["loss"]!.GetValue<double>(), PreferenceLosses.Pairwise(margins).mean().item<double>(), 1e-12);
        Assert.Equal(json["accuracy"]!.GetValue<double>(), margins.gt(0).to(float64).mean().item<double>(), 1e-12);

        Tensor Numbers(string key) => tensor(json[key]!.AsArray().Select(number => number!.GetValue<double>()).ToArray());
    }

    [Theory]
    [InlineData(0, 0.69314718055994531, -0.5)]
    [InlineData(40, 4.2483542552915889e-18, -4.2483542552915889e-18)]
    [InlineData(-40, 40, -1)]
    [InlineData(-1000, 1000, -1)]                                        // no overflow
    public void The_loss_and_its_slope_hold_far_from_zero(double margin, double loss, double slope)
    {
        using var scope = NewDisposeScope();
        var margins = tensor(new[] { margin }, requires_grad: true);

        var found = PreferenceLosses.Pairwise(margins);
        found.sum().backward();

        Assert.Equal(loss, found.item<double>(), 1e-12 * Math.Max(1, loss));
        Assert.Equal(slope, margins.grad!.item<double>(), 1e-12);
    }

    [Fact]
    public void A_policy_that_is_the_reference_has_no_margins_and_the_loss_of_a_coin()
    {
        using var scope = NewDisposeScope();
        Tensor chosen = tensor(new[] { -3.0, -4 }), rejected = tensor(new[] { -2.0, -9 });

        var margins = PreferenceLosses.DirectMargins(chosen, rejected, chosen, rejected, 0.1);

        Assert.Equal([0, 0], margins.data<double>().ToArray());
        Assert.Equal(Math.Log(2), PreferenceLosses.Pairwise(margins).mean().item<double>(), 1e-12);
        Assert.Equal(0.1 * (1 - 2), PreferenceLosses.DirectMargins(chosen + 1, rejected + 2, chosen, rejected,
            0.1)[0].item<double>(), 1e-12);
    }
}
