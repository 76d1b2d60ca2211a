using System.Text;
using Beear.Text.Tokenization;

namespace Beear.Tests.Text.Tokenization;

public class NormalizersTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("naïve café")]
    [InlineData("日本語 한국어 🙂🏽 👩‍👩‍👧 ❤️")]
    public void Text_in_composed_form_stays_as_it_is(string text) =>
        Assert.Equal(text, new UnicodeNormalizer(NormalizationForm.FormC).Normalize(text));

    [Theory]
    [InlineData("e\u0301", NormalizationForm.FormC, "é")]
    [InlineData("\u212B", NormalizationForm.FormC, "Å")]
    [InlineData("\u1112\u1161\u11AB", NormalizationForm.FormC, "한")]
    [InlineData("é", NormalizationForm.FormD, "e\u0301")]
    [InlineData("ﬁ", NormalizationForm.FormKC, "fi")]
    public void Text_that_changes_is_changed_or_refused_but_never_passed_on(string text, NormalizationForm form, string expected)
    {
        var normalizer = new UnicodeNormalizer(form);
        if ("e\u0301".Normalize(NormalizationForm.FormC).Length == 1)
            Assert.Equal(expected, normalizer.Normalize(text));
        else
            Assert.Contains("ICU", Assert.Throws<BeearException>(() => normalizer.Normalize(text)).Message, StringComparison.Ordinal);
    }
}
