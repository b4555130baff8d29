"""Results in two languages: what a page, a terminal and nbval get to see."""

import pytest

from gan_lessons import bilingual
from gan_lessons.bilingual import say, table


@pytest.fixture
def shown(monkeypatch):
    """The things that were displayed."""
    things = []
    monkeypatch.setattr(bilingual, "display", things.append)
    return things


def test_a_result_is_said_in_both_languages_with_its_number(shown):
    say("KL 是 {kl:.2f}。", "The KL is {kl:.2f}.", kl=0.123)
    assert repr(shown[0]) == "KL 是 0.12。\nThe KL is 0.12."
    html = shown[0]._repr_html_()
    assert '<p lang="zh">KL 是 0.12。</p><p lang="en">The KL is 0.12.</p>' in html
    assert "gan-lessons-bilingual" in html  # what the language switch looks for


def test_a_field_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="kl"):
        say("KL 是 {kl}。", "The KL is {kl}.")


def test_in_a_terminal_it_is_plain_text(capsys):
    say("好", "good")
    assert capsys.readouterr().out == "好\ngood\n"


def test_a_table_lines_up_and_hides_one_language(shown):
    table(["KL", ("模型", "model")], [["0.1", ("真实样本", "real")], ["12.3", "GAN"]])
    first, second, third = repr(shown[0]).splitlines()
    assert (first, second, third) == ("KL    模型 / model", "0.1   真实样本 / real", "12.3  GAN")
    html = shown[0]._repr_html_()
    assert '<th><span lang="zh">模型</span> <span lang="en">model</span></th>' in html
    assert "<td>12.3</td>" in html


def test_a_name_that_is_the_same_in_both_languages_stands_once(shown):
    table([("做法", "way")], [[("pix2pix", "pix2pix")]])
    assert repr(shown[0]).splitlines()[1] == "pix2pix"
    assert "<td>pix2pix</td>" in shown[0]._repr_html_()


def test_columns_are_counted_in_the_width_of_chinese_characters(shown):
    table(["名", "n"], [["真实样本", "1"], ["ab", "2"]])
    assert repr(shown[0]).splitlines() == ["名        n", "真实样本  1", "ab        2"]


def test_text_is_never_html(shown):
    say("<b>{x}</b>", "<i>{x}</i>", x="<script>")
    table(["<td>"], [[("<p>", "<q>")]])
    for thing in shown:
        assert "<script>" not in thing._repr_html_() and "<q>" not in thing._repr_html_()
        assert "&lt;" in thing._repr_html_()


def test_a_crooked_table_is_refused():
    with pytest.raises(ValueError, match="needs 2 cells"):
        table(["a", "b"], [["1"]])
