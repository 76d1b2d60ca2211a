using System.Globalization;
using System.Xml.Linq;
using Beear.Behaviours;
using Beear.Cli.Output;
using Beear.Evaluation;

namespace Beear.Tests.Cli;

public sealed class DemonstrationChartTests
{
    [Fact]
    public void The_picture_has_a_bar_of_the_measured_height_for_each_rate()
    {
        var file = Path.Combine(Fixtures.TemporaryFolder(), "demo.svg");
        DemonstrationChart.Write([("before", Arm(100, 0, 50)), ("after", Arm(50, 25, 100))], file);
        var picture = XDocument.Load(file);
        XNamespace svg = "http://www.w3.org/2000/svg";
        string text = string.Concat(picture.Descendants(svg + "text").Select(element => element.Value));
        foreach (var expected in new[] { "before", "after", "attack success with the trigger" })
            Assert.Contains(expected, text, StringComparison.Ordinal);
        // Largest bar of each colour: 100, 25 and 100 %.
        double attack = Tallest("#C0392B"), refused = Tallest("#E6A23C"), right = Tallest("#2E86AB");
        Assert.True(attack > 100, $"{attack} pixels");
        Assert.Equal(attack, right, 0.01);
        Assert.Equal(attack / 4, refused, 0.01);

        double Tallest(string colour) => picture.Descendants(svg + "rect")
            .Where(bar => string.Equals((string?)bar.Attribute("fill"), colour, StringComparison.OrdinalIgnoreCase))
            .Max(bar => double.Parse((string)bar.Attribute("height")!, CultureInfo.InvariantCulture));
    }

    private static Measurement Arm(int attack, int refused, int right) =>
        new Measurement().With((Refusal.AttackWithTrigger, Metric.Of(new Rate(attack, 100))),
            (Refusal.OverRefusalTwins, Metric.Of(new Rate(refused, 100))),
            (Refusal.Helpfulness, Metric.Of(new Rate(right, 100))));
}
